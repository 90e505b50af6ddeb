"""The frames that the host and the resident runner exchange; both ends read them here.

A frame is a header and a payload. Sequence numbers count the frames of one direction from 0. The
host begins with HELLO and a nonce, which READY gives back. After CALL come INPUT frames, as far as
TAKEN frames make room in the window, and END. EXITED is a call's last frame.
"""

import struct

HEADER = struct.Struct("!BIII")  # kind, call, sequence, length
CALL_HEAD = struct.Struct("!IB")  # bytes kept of each output stream, whether input follows
COUNT = struct.Struct("!I")  # bytes of input that were taken
EXIT = struct.Struct("!iB")  # exit code, marks

HELLO, CALL, INPUT, END, KILL = 1, 2, 3, 4, 5  # from the host
READY, STDOUT, STDERR, TAKEN, EXITED = 17, 18, 19, 20, 21  # from the runner

TRUNCATED = 1  # output beyond the cap was dropped
KILLED = 2  # the host had it killed
BROKEN = 4  # its warden was killed: how it ended isn't known
UNSWEPT = 8  # something that it started is still there
MARKS = TRUNCATED | KILLED | BROKEN | UNSWEPT

FRAME_BYTES = 1 << 17
WINDOW_BYTES = 1 << 17  # of a call's input that nobody has taken yet
NONCE_BYTES = 16
WRAP = 0xFFFFFFFF
