"""Reads, decides and describes. No Qt, no threads, no sockets, no print.

Everything outside (clock, machine, process table, folders, senders) enters as a constructor
argument; what comes out are frozen facts and the delay until the next step.
"""
