"""The errors that Colab raises."""


class Error(Exception):
    """Base of Colab's errors."""


class MessageError(Error):
    """The front end answered with an error. (The real one lives in google.colab._message.)"""
