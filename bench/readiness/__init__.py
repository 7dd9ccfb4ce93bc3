"""How many machines of a class are ready at its start: days played on real rows, and what they take for granted.

| module | content |
|---|---|
| `cells`, `grid` | kinds of days; the grid, and a sample of all combinations |
| `site`, `past` | the rows of the morning; past loads, from which the service learns |
| `play`, `watch`, `passes` | plays one day; what is measured; passes of keep_ready, and what the service has said |
| `played`, `figures`, `shares`, `calibration` | what came of a day, of many; bounds; what was said beside what came |
| `report`, `plot`, `options`, `workers` | tables and JSON, the picture, the command line, the processes |

A day has a site and a class or several at 14:00. From twenty minutes before the back end asks for their machines (six
hours before the start, or at once where the day begins later) to a quarter of an hour after the start, everybody works
on the same rows: the doubles of VCL's back ends and front end (`simulation/`), users, staff, and this service. Each day
is played with VCL's own reload rows (policy `vcl`, and the `preload` of the class's reloads is set to 0 after each
allocation), with ours (policy `ready`), and with ours and a pass of keep_ready each minute; then keep_ready has made
its first pass before the back end asks. Users, the order in which each of them tries computers, lengths of loads and
their failures come from the day's seed; the n-th load of a computer goes the same way with each kind of rows.

*Ready* is what the first sentence of SPEC section 9 says, read from the rows at the very second of the start: the
computer holds the production revision, and is available, or reserved or used by a member, and no reservation of
anybody else on it has begun. *Taken* are the minutes from the begin of a load for the class to the start, or from the
begin of the hold of ours that leads to the load. A reload is *dropped* when it finds a user on the computer; a load is
*ended by a user* when a reservation takes the computer that is loading. *Refused* is somebody to whom the front end
gives no computer for now; they don't try again.

*Said* is what the service wrote into the decision record of the last call that allocated, and what the last pass of
keep_ready wrote half an hour before the start. A load *waits for a place* when its node runs as many as it may, or
when the same image is being copied to its VM host; after half an hour it fails (not with libvirt).

The clock: this process's clock is set to the day's second before each call of the service, and a MariaDB session's by
`SET timestamp`, so that the service finds the same time in both. VCL's programs take the time as a parameter.

What is taken from VCL (develop de4f72c1; BACKEND.md means the notes on its programs that SPEC.md is made with):

- When reloads begin, what ends or drops them, what fails, what is loaded after a user, and that the back end asks once;
  that a failed load of a reload with `preload` 0 is tried again at its start, and one with `preload` 1 is not
  (BACKEND.md; `simulation/back_end`).
- Rounds of 12 seconds; by xCAT 10 loads at a time on a node, others wait half an hour at most (BACKEND.md).
- Lengths of 30, 45, 60, 120 and 240 minutes: four hours at first, one more at a time, six in all (`utils.php`
  getReservationLengths; the defaults of table `usergroup` in `vcl.sql`).
- A reservation for now starts at the last quarter of an hour; a length gets 15 minutes more, unless a quarter has just
  begun (`requests.php` AJnewRequest, `utils.php` unixFloor15).
- What is logged: `log.start` is the time of the request; for one that was refused, the rounded start (`utils.php`
  addRequest, addLogEntry, addSublogEntry).
- A reservation that is ended by its user becomes `deleted`, with the last state `reserved` or `inuse` (`utils.php`
  deleteRequest).
- 15 minutes to connect, 15 to come back; users are looked for every 5 minutes, but not in the last 25 (`utils.pm`
  check_time, `inuse.pm`).
- A user gets a computer that holds the image, if there is one; blocks keep them off computers only where the hours
  overlap (BACKEND.md; `simulation/front_end`).

What is our assumption, for want of a source (all of it can be changed in `Cell`, `Habits` and `Loads`):

- Users come independently of one another, at a rate with which the wanted share of the computers is reserved on
  average. Five per cent take 30 minutes, five 45, 20 an hour, 35 two hours and 35 four; five per cent choose an end
  instead. Six in ten leave early, after 40 % of their time or more; four in ten of these do not end the reservation.
  One in twenty does not connect. One in ten of those who stay extends.
- Whose image runs on which computers differs in VCL by privileges, mappings and hardware: here everybody tries all
  computers in an order of their own, after those that hold the image.
- In the morning 15 % of the computers hold the image of the class, the others one of five more; 5 % of the users want
  the image of the class.
- Loads of all images follow one law, mostly with a mean of ten minutes, and `image.reloadtime` says the mean. Loads
  fail by chance, for users and classes alike, after as long as others take. Staff put a failed computer right after two
  hours.
- Past loads follow the same law, with the same share that failed, from half a year to two weeks before the day: 200 of
  each image. One reservation in five found its image loaded. Other days differ in that (`Past`).
- All computers are equal, and each management node can load each of them. Members come in the ten minutes after the
  start.
"""
