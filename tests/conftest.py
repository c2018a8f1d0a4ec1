"""What all tests need of the process that they run in."""

import signal

# A shell that starts the tests in the background has them ignore SIGINT, and what they start inherits it: the tests
# that send one would wait for nothing.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
