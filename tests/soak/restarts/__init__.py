"""Restarts in turn: two gateways behind a TCP balancer, one of which is always ending or starting (LIF-02, LIF-03).

The balancer is in the same process as the clients, so that a busy machine makes it late: the gateway has to bear with that.
"""
