"""What notebooks are set to while they are tested."""

QUICK = {
    "00_end_to_end": {"AT_ONCE": "True", "STOP": "1", "SECONDS": "0.5"},
    "01_extract": {"STOP": "1", "PNG_FRAMES": "2"},
    "02_clean": {"METHOD": '"dct"', "CLEAN": '"duplicates, flicker, damage, shake, noise"'},
    "03_colorize": {"COLORIZE": '"tint"'},
    "04_upscale": {"MODEL": '"animevideov3"', "TRY": '"lanczos"'},
    "05_interpolate": {},
    "06_audio": {},
    "07_render": {},
    "08_train_cleaner": {"SAMPLES": "8", "STEPS": "4", "BATCH": "2"},
    "09_is_it_better": {"CHOICES": '"bilinear, lanczos"', "SOUND": '"spectral"'},
}
"""What is changed so that a test does not wait for the slowest network."""
