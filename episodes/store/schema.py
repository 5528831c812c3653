"""The tables, as an append-only list of migrations: a change to a table is a new entry, never an edit of an old one.

Outside readers may rely on the tables and columns; ``docs/store.md`` describes them. Texts (observations, messages,
base texts) are kept once in ``texts`` under their hash, and columns that end in ``_id`` and hold such a hash say so.
Knows nothing about how rows are made.
"""

import sqlite3

from episodes.store.older import SEARCH, UNLISTED, values_column

APPLICATION_ID = 0x636F726E
"""``corn`` in ASCII: marks an SQLite file as a store of this program."""

_NIGHTS = """
create table nights (
    id text primary key, started text not null, finished text, status text not null, config text not null,
    report_path text, size text, seed integer, game text, error text
) strict;
create table steps (
    night_id text not null, key text not null, input_hash text not null, state text not null, result text,
    attempts integer not null, started text, finished text,
    primary key (night_id, key)
) strict;
create table spending (
    night_id text not null, model text not null, calls integer not null, tokens_in integer not null,
    tokens_out integer not null, cost_usd real not null, priced integer not null default 1,
    primary key (night_id, model)
) strict
"""

# turns and inputs are clustered by episode: an episode is read and written as one stretch of the file.
_EPISODES = """
create table texts (id text primary key, text text not null) strict;
create table episodes (
    id text primary key, night_id text, game text not null, seed integer not null, pair_id text, clock text not null,
    started text not null, seconds real not null, ticks integer not null, ended_by text not null,
    purpose text not null, final_fingerprint text not null
) strict;
create index episodes_by_pair on episodes (pair_id);
create index episodes_by_night on episodes (night_id, purpose);
create index episodes_by_start on episodes (started);
create table seats (
    episode_id text not null, seat integer not null, player text not null, prompt_id text, model text not null,
    score real not null, turns integer not null, illegal integer not null, unreadable integer not null,
    refused integer not null, timeouts integer not null, latency_p50_ms real, tokens_in integer not null,
    tokens_out integer not null, cost_usd real not null,
    primary key (episode_id, seat)
) strict, without rowid;
create index seats_by_player on seats (player, episode_id, seat, score);
create index seats_by_prompt on seats (prompt_id, episode_id, seat, score);
create table turns (
    episode_id text not null, n integer not null, seat integer not null, tick integer not null,
    lands integer not null, "order" integer not null, observation_id text not null, legal_moves_id text not null,
    messages_id text, reply text not null, reply_class text not null, move text, legal integer not null,
    latency_ms real not null, tokens_in integer not null, tokens_out integer not null, cost_usd real not null,
    situation text not null, reward real not null, fingerprint text not null,
    primary key (episode_id, n)
) strict, without rowid;
create index turns_as_evidence on turns (episode_id, seat, n, situation, move, reward, reply_class);
create table inputs (
    episode_id text not null, n integer not null, seat integer not null, decision integer not null,
    move text not null, fate text not null, tick integer not null,
    primary key (episode_id, n)
) strict, without rowid
"""

_PROMPTS = """
create table bases (
    id text primary key, game text not null, name text not null, text_id text not null, turn text not null,
    constrained integer not null, remarks integer not null, heading text not null, created text not null
) strict;
create table prompts (
    id text primary key, game text not null, base_id text not null, parent_id text, origin text not null,
    tokens integer not null, created text not null, system_id text, night_id text, note text
) strict;
create table guidance (
    id text primary key, game text not null, text text not null, situation text not null, advice text,
    remark text not null default '', origin text not null, status text not null, effect real, effect_low real,
    effect_high real, created text not null, night_id text
) strict;
create table prompt_guidance (
    prompt_id text not null, position integer not null, guidance_id text not null,
    primary key (prompt_id, position)
) strict, without rowid;
create table guidance_evidence (
    guidance_id text not null, episode_id text not null, turn_n integer not null, note text not null default '',
    primary key (guidance_id, episode_id, turn_n)
) strict, without rowid;
create table aliases (
    name text not null, game text not null, model text not null default '', prompt_id text, set_at text not null,
    comparison_id text,
    primary key (name, game, model)
) strict;
create table alias_history (
    n integer primary key, name text not null, game text not null, model text not null default '', prompt_id text,
    set_at text not null, comparison_id text, note text
) strict
"""

_REFLECTION = """
create table whatifs (
    id text primary key, night_id text, game text not null, episode_id text not null, turn_n integer not null,
    seat integer not null, move text, alternative text not null, samples integer not null, effect real not null,
    effect_low real not null, effect_high real not null, created text not null
) strict;
create index whatifs_by_turn on whatifs (episode_id, turn_n);
create table reflections (
    id text primary key, night_id text, game text not null, origin text not null, request_id text, reply_id text,
    created text not null
) strict;
create table rejected (
    id text primary key, game text not null, night_id text, text text not null, reason text not null,
    situation text, advice text, remark text, origin text, created text not null
) strict;
create index rejected_by_game on rejected (game, created)
"""

_RESULTS = """
create table comparisons (
    id text primary key, night_id text, game text not null, a text not null, b text not null,
    n0 integer not null, n1 integer not null, n2 integer not null, n3 integer not null, n4 integer not null,
    e_value real not null, verdict text not null, alpha real not null, gain real, gain_low real, gain_high real,
    voided integer not null, a_prompt_id text, b_prompt_id text, purpose text, clock text, config text,
    created text
) strict;
create index comparisons_by_night on comparisons (night_id);
create table comparison_pairs (
    comparison_id text not null, stage text not null, position integer not null, pair_id text not null,
    seed integer not null, k integer, fault text not null default '',
    primary key (comparison_id, stage, position)
) strict, without rowid;
create table datasets (
    id text primary key, night_id text, game text, created text not null, config text, path text, teacher text
) strict;
create table dataset_rows (
    dataset_id text not null, n integer not null, episode_id text not null, turn_n integer not null,
    weight real not null, split text, move text, source text,
    primary key (dataset_id, n)
) strict, without rowid;
create table students (
    id text primary key, base_model text not null, dataset_id text, method text not null, path text not null,
    comparison_id text, latency_p50_ms real, created text not null, night_id text, game text, config text,
    measured text
) strict
"""

_DATA_AS_DATA = f"""
alter table turns add column move_values text;
alter table turns add column listed integer not null default 1;
alter table turns add column thought_id text;
update turns set move_values = values_in_reply(reply) where reply like '% (%)' and exists (
    select 1 from seats where seats.episode_id = turns.episode_id and seats.seat = turns.seat
    and seats.player glob '{SEARCH}*'
);
update turns set listed = 0 where episode_id in (select id from episodes where instr(game, '{UNLISTED}'))
"""

_FAULTS = """
create table faults (
    id text primary key, night_id text, episode_id text not null, pair_id text, game text not null, seat integer,
    player text, turn integer, tick integer, "where" text not null, kind text not null, message text not null,
    traceback text not null, times integer not null, created text not null
) strict;
create index faults_by_episode on faults (episode_id)
"""

MIGRATIONS: list[str] = [
    # 1: everything
    ";".join([_NIGHTS, _EPISODES, _PROMPTS, _REFLECTION, _RESULTS]),
    # 2: what-ifs prefer turns with leverage; the weight undoes that
    "alter table whatifs add column weight real not null default 1",
    # 3: evidence also asks what was legal, and then reads nothing but the index
    "drop index turns_as_evidence; "
    "create index turns_as_evidence on turns (episode_id, seat, n, situation, move, legal_moves_id, reward)",
    # 4: returns beside scores; when a reply ended, and plans whose first move took effect before that
    "alter table seats add column result real not null default 0; update seats set result = 2 * score - 1; "
    "alter table turns add column ended_ms real; alter table turns add column split text",
    # 5: what ``night_id`` names is a run: nights, stages by hand, colosseums. Old stages had their steps only.
    "alter table nights rename to runs; "
    "alter table runs add column kind text not null default 'night'; "
    "alter table runs add column number integer not null default 0; "
    "alter table runs add column shaping text not null default ''; "
    "alter table runs add column plan text not null default ''; "
    "insert into runs (id, started, finished, status, config, kind) "
    "select night_id, ifnull(min(started), ''), max(finished), "
    "case when max(state != 'done') then 'stopped' else 'done' end, '{}', "
    "case when night_id like 'colosseum-%' then 'colosseum' else 'stage' end "
    "from steps where night_id not in (select id from runs) group by night_id order by min(started); "
    "update runs set number = (select count(*) from runs r where r.kind = runs.kind and r.rowid <= runs.rowid); "
    "create view nights as select id, started, finished, status, config, report_path, size, seed, game, error "
    "from runs where kind = 'night'",
    # 6: values and thoughts have columns of their own; a turn knows whether its legal moves were shown
    _DATA_AS_DATA,
    # 7: what the code of plug-ins raised, also where the episode is void, and how many decisions that cost
    _FAULTS + "; alter table seats add column faults integer not null default 0",
    # 8: what shaped a player's answers beside its names and its prompt: a text, empty for games of before
    "alter table seats add column identity_id text",
    # 9: guidance that a person wants to stay
    "alter table guidance add column pinned integer not null default 0",
]
"""Statements separated by ``;``; entry k brings a store from version k to k + 1. Append only.

``values_in_reply(reply)`` is known in them: see ``older``.
"""


def tune(connection: sqlite3.Connection) -> None:
    """Settings of a writer.

    Texts come in random order of their hashes, so many pages change a little: a larger cache and rarer checkpoints
    write each of them less often.
    """
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = normal")
    connection.execute("pragma wal_autocheckpoint = 8000")  # pages of 4 KiB
    connection.execute("pragma cache_size = -64000")  # KiB


def version(connection: sqlite3.Connection) -> int:
    """How many migrations the file has had."""
    return int(connection.execute("pragma user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, target: int = len(MIGRATIONS)) -> None:
    """Bring the file to version ``target``, each migration whole or not at all. Needs autocommit mode."""
    connection.create_function("values_in_reply", 1, values_column, deterministic=True)
    for number in range(version(connection), target):
        connection.execute("begin immediate")
        try:
            for statement in MIGRATIONS[number].split(";"):
                connection.execute(statement)
            connection.execute(f"pragma application_id = {APPLICATION_ID}")
            connection.execute(f"pragma user_version = {number + 1}")
            connection.execute("commit")
        finally:
            if connection.in_transaction:
                connection.execute("rollback")
