"""List the devices of Vulkan; `helpers.stages.interpolate.vulkan.probe` runs this as a script.

A driver may crash or hang, so it is not loaded into the process of a notebook.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

from helpers.nn.subprocess_call import send_result


def list_devices(loader: str) -> dict[str, Any]:
    """List the devices of Vulkan.

    The structures are those of vulkan_core.h: VkInstanceCreateInfo is zero except for its type;
    VkPhysicalDeviceProperties has the type of the device after four numbers, then its name.

    Args:
        loader: the name or path of Vulkan's loader.

    Returns:
        {"devices": [(name, kind), ...]}; or {"missing": reason} without a loader; or {"failed":
        call, "code": result} if a call failed.
    """
    try:
        vulkan = ctypes.CDLL(loader)
    except OSError as error:
        return {"missing": str(error)}
    create_info = (ctypes.c_uint64 * 8)(1)  # VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO
    instance, count = ctypes.c_void_p(), ctypes.c_uint32()
    if code := vulkan.vkCreateInstance(create_info, None, ctypes.byref(instance)):
        return {"failed": "vkCreateInstance", "code": code}
    code = vulkan.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), None)
    handles = (ctypes.c_void_p * max(count.value, 1))()
    code = code or vulkan.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), handles)
    if code:
        return {"failed": "vkEnumeratePhysicalDevices", "code": code}
    found = []
    for handle in handles[: count.value]:
        properties = ctypes.create_string_buffer(4096)  # of which about 830 are used
        vulkan.vkGetPhysicalDeviceProperties(ctypes.c_void_p(handle), properties)
        kind = int.from_bytes(properties.raw[16:20], "little")
        name = properties.raw[20:276].split(b"\0")[0].decode(errors="replace")
        found.append((name, kind))
    return {"devices": found}


if __name__ == "__main__":
    send_result(list_devices(sys.argv[1]))
