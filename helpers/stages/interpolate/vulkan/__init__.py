"""RIFE in ncnn on any graphics card with Vulkan."""
