"""Tells people what changes for them, by mail and by webhook, through an outbox in the database.

| module | content |
|---|---|
| `observing` | what a look makes of the classes: news, in the transaction that remembers it |
| `audience` | who is to get news: owners, staff, the site's addresses, webhooks |
| `preferences`, `unsubscribing` | what somebody has chosen; signed addresses |
| `letter`, `composing` | what a message says; as text and as HTML |
| `summary` | the daily summary |
| `outbox` | finds the recipients of news, makes messages of their notices: grouped, and not too many |
| `sending` | sends the messages of a recipient, one after another, with growing pauses after failures |
| `delivery` | what a channel does with a message; its two ways of failing |
| `mail`, `webhooks` | the channels |
"""
