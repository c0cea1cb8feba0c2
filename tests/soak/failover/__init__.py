"""Failover: what clients see while instances die, flap, freeze, feel unwell, are drained, weighted, come and go.

What must be zero does not depend on how busy the machine is. Whether an instance was asked that should not have been is
told by cause: by requests that were sent after the answer of the admin side. Times have bars of their own.
"""
