"""What people and programs do, one file each: load, call something pure, save, in one transaction.

Every action takes the ``Actor`` who asks and refuses on its own; pages, HTTP and terminal only call.
"""
