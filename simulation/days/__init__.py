"""Days of a site: its users come and go, a class has its computers, loads fail, hosts die, staff step in.

Everything happens on real rows, done by the doubles of VCL's back end and front end, on a clock that nothing else
moves.

| module | content |
|---|---|
| `day` | the clock and the agenda: rounds of the back ends, and what is to be done at which second |
| `demand` | users and what they want, drawn before the day begins |
| `people` | the accounts of users |
| `users` | what users do: sign in, reserve, extend, end, walk away; the seats that they have in the morning |
| `log_rows` | the rows of `loginlog`, `log` and `sublog` about them |
| `loads`, `load_laws` | how long each load takes, and which ones fail; the laws by which lengths are drawn |
| `staff` | maintenance, and failed computers that are put right |
| `service` | the service as the back end calls it, which may be away |

What users, loads and staff do is drawn from a seed, and by computer or by user: two services that are tried on the
same seed meet the same people, and the same load of a computer fails.
"""
