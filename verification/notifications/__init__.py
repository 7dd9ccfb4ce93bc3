"""Somebody who reads only the mails knows everything that mattered, and gets at most one mail for each change.

A week of a site is played with the doubles of VCL's programs: `keep_ready` looks every minute, `notify` sends its
mails to a real SMTP server and its calls to a real webhook receiver. About a tenth of the classes get into trouble,
each in a way of its own (`week`), on computers of its own, so that it is known which ones.

| module | content |
|---|---|
| `week` | the classes of a week, and what goes wrong with some of them; drawn from a seed |
| `site` | the rows of the site: labs, nodes, people, past loads, classes |
| `troubles` | who does what, and when, so that it goes wrong |
| `play` | plays the week: back end, front end, people, `keep_ready`, `notify` |
| `receivers`, `inbox` | the SMTP server and the webhook receiver, a process of their own; what they have received |
| `truth` | what became of the classes, by VCL's rows and the signal of the pages, without the code that makes news |
| `changes` | the changes that matter to people, and what somebody knows who has been told some of them |
| `reader` | what somebody believes who reads only the mails, or only the webhook's bodies |
| `readers` | who reads what: the desk, a member of the staff, each owner, the webhook |
| `judge`, `report` | compares both; counts, and prints |
"""
