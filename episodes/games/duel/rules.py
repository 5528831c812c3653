"""Duel's rules as text for a prompt, with the numbers of the frame table."""

from episodes.games.duel import frames
from episodes.games.duel.frames import FRAMES, HEAVY, JAB, SUPER, THROW, UPPERCUT
from episodes.games.duel.plans import MAX_STEPS

RULES = f"""\
Duel: two fighters face each other between two walls. Bring the opponent's health to 0, or have more health when the \
time is up. Time runs while you think: until your decision arrives your fighter finishes its plan and then guards. \
You see yourself as you are and the opponent as it was about {frames.DELAYS[0]} ticks ago (60 ticks a second).

Moves:
- jab: fast, reaches {FRAMES[JAB].reach}, {FRAMES[JAB].damage} damage. Beats throw. Stopped by guard.
- heavy: slow, reaches {FRAMES[HEAVY].reach}, {FRAMES[HEAVY].damage} damage. Open to punishment when blocked or missed.
- throw: only when touching (up to {FRAMES[THROW].reach}), {FRAMES[THROW].damage} damage. Beats guard, loses to jab.
- fireball: flies across the stage; one at a time. Jump goes over it, guard stops it.
- uppercut: reaches {FRAMES[UPPERCUT].reach}, {FRAMES[UPPERCUT].damage} damage. Beats jump. Very open when blocked or \
missed.
- jump: leaps forward with a kick at the end. Goes over fireballs, heavies and throws; loses to uppercut.
- guard: stops everything but throw.
- advance, retreat: walk. You cannot guard while walking.
- super: needs a full meter ({frames.METER}), reaches {FRAMES[SUPER].reach} and lunges, {FRAMES[SUPER].damage} damage. \
Nothing stops its start; very open when blocked or missed.
The meter fills as you hit, are blocked, block or are hit. Pushed against the wall you cannot retreat.

Answer with one move, or with a plan of up to {MAX_STEPS} moves separated by ";", each with a condition if you like: \
"jab; heavy if landed; guard if blocked". A move whose condition does not hold at its moment is skipped."""
