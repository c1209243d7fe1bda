"""The WEBHOOK channel: alerts to chats, mail and on-call services.

``intake`` makes what is to be sent durable, ``plan`` says what a receiver has to hear, ``kinds``
writes it in the receiver's own form, ``post`` (a process of its own) sends it, ``retry`` reads the
answer, ``receiver`` keeps the order and the pace.
"""
