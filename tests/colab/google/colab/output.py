"""Talking to the front end. There is none, so nothing comes back."""

from google.colab._log import note
from google.colab.errors import MessageError

callbacks = {}


def clear(wait=False, output_tags=()):
    """Note the call."""
    note("output.clear")


def enable_custom_widget_manager():
    """Note the call."""
    note("output.enable_custom_widget_manager")


def disable_custom_widget_manager():
    """Note the call."""
    note("output.disable_custom_widget_manager")


def register_callback(function_name, callback):
    """Keep a function for JavaScript to call."""
    note(f"output.register_callback {function_name}")
    callbacks[function_name] = callback


def eval_js(script, ignore_result=False, timeout_sec=None):
    """Refuse, as a front end does that cannot run the script."""
    note("output.eval_js")
    if not ignore_result:
        raise MessageError("ReferenceError: google is not defined")
