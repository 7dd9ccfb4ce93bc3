"""Webhooks: messages as JSON, signed, to addresses that the settings name; texts for chat programs.

| module | content |
|---|---|
| `channel` | delivers a message to its webhook: what each answer means |
| `posting`, `addresses` | one POST to an address that is allowed, within a few seconds, whatever is there |
| `keys`, `signature` | the key of a webhook; the headers by which a receiver knows us and a message |
| `bodies` | what is posted, by format |
| `event` | our own format |
| `paragraphs` | a letter as paragraphs, cut to what a chat program takes |
| `slack`, `mattermost`, `matrix`, `teams` | paragraphs as each of them takes them; nothing in a name is markup |
"""
