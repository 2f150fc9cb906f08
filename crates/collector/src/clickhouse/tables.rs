//! The tables of a store, as docs/adr/0019-clickhouse-as-a-store.md explains them. All that is stored beside events may be written any number
//! of times: minima, maxima, sets. Nothing is summed at an insert.

/// A table, in parts: a cluster needs them put together in another way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static str,
    pub(super) engine: &'static str,
    /// The column whose largest value survives, where the engine has one.
    pub(super) version: &'static str,
    pub(super) order: &'static str,
    /// Settings besides those of all tables, each with a comma before it.
    pub(super) settings: &'static str,
    /// By what its rows are spread over the servers of a cluster.
    pub(super) shard: &'static str,
}

/// A column that a table did not have at first: the table, the column, its type, and the one before it.
pub(super) type Added = (&'static str, &'static str, &'static str, &'static str);

/// All of them. Older programs write nothing there, which is right.
pub(super) const ADDED: &[Added] = &[
    ("events", "parts.bytes", "Array(UInt32)", "parts.hash"),
    ("events", "parts.filter", "Array(String) CODEC(ZSTD(1))", "parts.bytes"),
];

/// All of them.
pub(super) const TABLES: &[Table] = &[
    // Every event, once by its key (hour, session, time, id): of several the one with the smallest row stays. `first` turns rows round for that.
    Table {
        name: "events",
        columns: "
            hour DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
            session String CODEC(ZSTD(1)),
            time_us Int64 CODEC(Delta(8), ZSTD(1)),
            id String CODEC(ZSTD(1)),
            row UInt64 CODEC(Delta(8), ZSTD(1)),
            first UInt64 MATERIALIZED bitNot(row) CODEC(Delta(8), ZSTD(1)),
            received_us Int64 CODEC(Delta(8), ZSTD(1)),
            idx Int64 CODEC(Delta(8), ZSTD(1)),
            kind UInt8, severity UInt8, class UInt8,
            name LowCardinality(String),
            platform LowCardinality(String), version LowCardinality(String), process String CODEC(ZSTD(1)),
            trace FixedString(16) CODEC(ZSTD(1)), run String CODEC(ZSTD(1)), user String CODEC(ZSTD(1)), bucket UInt8,
            what UInt8, span_name LowCardinality(String), is_root Bool, duration_us Int64 CODEC(ZSTD(1)), failed Bool,
            call UInt8, callee LowCardinality(String), provider LowCardinality(String),
            tokens_in Int64 CODEC(T64, ZSTD(1)), tokens_out Int64 CODEC(T64, ZSTD(1)), tokens_cached Int64 CODEC(T64, ZSTD(1)), cost Float64 CODEC(ZSTD(1)),
            run_kind LowCardinality(String), objective String CODEC(ZSTD(1)), status LowCardinality(String),
            fingerprint String CODEC(ZSTD(1)), error_type LowCardinality(String), error_message String CODEC(ZSTD(1)),
            drops Map(LowCardinality(String), Int64), recovered Bool, signal LowCardinality(String),
            `points.name` Array(LowCardinality(String)), `points.kind` Array(UInt8), `points.unit` Array(LowCardinality(String)), `points.labels` Array(String),
            `points.count` Array(Int64), `points.sum` Array(Float64), `points.min` Array(Float64), `points.max` Array(Float64), `points.last` Array(Float64),
            `parts.at` Array(UInt32), `parts.hash` Array(String), `parts.bytes` Array(UInt32), `parts.filter` Array(String) CODEC(ZSTD(1)),
            body String CODEC(ZSTD(3)),
            INDEX by_row row TYPE minmax GRANULARITY 1,
            INDEX by_session session TYPE bloom_filter(0.001) GRANULARITY 1,
            INDEX by_trace trace TYPE bloom_filter(0.001) GRANULARITY 1,
            INDEX by_run run TYPE bloom_filter(0.001) GRANULARITY 1,
            INDEX by_user user TYPE bloom_filter(0.001) GRANULARITY 1,
            INDEX by_name name TYPE set(256) GRANULARITY 1,
            INDEX by_severity severity TYPE minmax GRANULARITY 1,
            INDEX by_fingerprint fingerprint TYPE set(64) GRANULARITY 1,
            INDEX by_text lower(body) TYPE ngrambf_v1(3, 65536, 2, 7) GRANULARITY 1
        ",
        engine: "ReplacingMergeTree",
        version: "first",
        order: "PARTITION BY toMonday(hour) ORDER BY (hour, session, time_us, id)",
        settings: ", non_replicated_deduplication_window = 1000",
        shard: "cityHash64(session)",
    },
    // What is known of sessions as a whole, in each hour that they have events of.
    Table {
        name: "sessions",
        columns: "
            hour DateTime('UTC'), session String CODEC(ZSTD(1)),
            row SimpleAggregateFunction(min, UInt64),
            platform AggregateFunction(argMax, String, UInt64), version AggregateFunction(argMax, String, UInt64), process AggregateFunction(argMax, String, UInt64),
            first_received_us SimpleAggregateFunction(min, Int64), last_received_us SimpleAggregateFunction(max, Int64),
            first_us SimpleAggregateFunction(min, Int64), last_us SimpleAggregateFunction(max, Int64),
            indexes AggregateFunction(groupBitmap, UInt64),
            end_index SimpleAggregateFunction(max, Int64), critical_index SimpleAggregateFunction(min, Int64),
            recovered SimpleAggregateFunction(max, UInt8), dropped SimpleAggregateFunction(max, UInt8),
            signal AggregateFunction(argMin, String, UInt64),
            INDEX by_session session TYPE bloom_filter(0.001) GRANULARITY 1
        ",
        engine: "AggregatingMergeTree",
        version: "",
        order: "ORDER BY (hour, session)",
        settings: ", index_granularity = 1024",
        shard: "cityHash64(session)",
    },
    // Traces, in each hour that they have events of.
    Table {
        name: "traces",
        columns: "
            hour DateTime('UTC'), trace FixedString(16), row SimpleAggregateFunction(min, UInt64), session AggregateFunction(argMin, String, UInt64),
            first_us SimpleAggregateFunction(min, Int64), last_us SimpleAggregateFunction(max, Int64),
            root AggregateFunction(argMax, Tuple(String, String, Int64), UInt64), failed SimpleAggregateFunction(max, UInt8),
            INDEX by_trace trace TYPE bloom_filter(0.001) GRANULARITY 1
        ",
        engine: "AggregatingMergeTree",
        version: "",
        order: "ORDER BY (hour, trace)",
        settings: ", index_granularity = 1024",
        shard: "cityHash64(trace)",
    },
    // Runs of agents, in each hour that they have events of.
    Table {
        name: "runs",
        columns: "
            hour DateTime('UTC'), run String, row SimpleAggregateFunction(min, UInt64), session AggregateFunction(argMin, String, UInt64),
            first_us SimpleAggregateFunction(min, Int64), last_us SimpleAggregateFunction(max, Int64),
            objective AggregateFunction(argMax, String, UInt64), ended AggregateFunction(argMax, Tuple(String, Int64), UInt64),
            INDEX by_run run TYPE bloom_filter(0.001) GRANULARITY 1
        ",
        engine: "AggregatingMergeTree",
        version: "",
        order: "ORDER BY (hour, run)",
        settings: ", index_granularity = 1024",
        shard: "cityHash64(run)",
    },
    // Users.
    Table {
        name: "users",
        columns: "
            user String, row SimpleAggregateFunction(min, UInt64),
            first_us SimpleAggregateFunction(min, Int64), last_us SimpleAggregateFunction(max, Int64)
        ",
        engine: "AggregatingMergeTree",
        version: "",
        order: "ORDER BY user",
        settings: "",
        shard: "cityHash64(user)",
    },
    // Exceptions by their group; the events themselves are in `events`.
    Table {
        name: "occurrences",
        columns: "
            fingerprint String CODEC(ZSTD(1)), hour DateTime('UTC'), session String CODEC(ZSTD(1)), time_us Int64 CODEC(Delta(8), ZSTD(1)), id String CODEC(ZSTD(1)),
            row UInt64, first UInt64 MATERIALIZED bitNot(row), received_us Int64 CODEC(Delta(8), ZSTD(1)), severity UInt8, version LowCardinality(String), platform LowCardinality(String), bucket UInt8,
            error_type LowCardinality(String), error_message String CODEC(ZSTD(1))
        ",
        engine: "ReplacingMergeTree",
        version: "first",
        order: "ORDER BY (fingerprint, hour, session, time_us, id)",
        settings: ", index_granularity = 1024",
        shard: "cityHash64(session)",
    },
    // Series of metrics; their points are in `events`.
    Table {
        name: "series",
        columns: "
            series UInt64, name LowCardinality(String), kind UInt8, labels String, row SimpleAggregateFunction(min, UInt64),
            unit AggregateFunction(argMax, String, UInt64), last_us SimpleAggregateFunction(max, Int64), last AggregateFunction(argMax, Float64, Int64)
        ",
        engine: "AggregatingMergeTree",
        version: "",
        order: "ORDER BY (name, kind, labels, series)",
        settings: "",
        shard: "series",
    },
    // Names of events, with the row that each was first heard in.
    Table {
        name: "names",
        columns: "name String, row SimpleAggregateFunction(min, UInt64)",
        engine: "AggregatingMergeTree",
        version: "",
        order: "ORDER BY name",
        settings: "",
        shard: "cityHash64(name)",
    },
    // Groups of exceptions that were resolved: at which row; 0 where they were opened again.
    Table {
        name: "marks",
        columns: "fingerprint String, changed_us Int64, resolved_us Int64, resolved_row UInt64",
        engine: "ReplacingMergeTree",
        version: "changed_us",
        order: "ORDER BY fingerprint",
        settings: "",
        shard: "cityHash64(fingerprint)",
    },
    // Who agreed to be named.
    Table {
        name: "opt_ins",
        columns: "user String, changed_us Int64, opted_in UInt8",
        engine: "ReplacingMergeTree",
        version: "changed_us",
        order: "ORDER BY user",
        settings: "",
        shard: "cityHash64(user)",
    },
    // What is remembered by a key.
    Table {
        name: "kept",
        columns: "key String, changed_us Int64, value String",
        engine: "ReplacingMergeTree",
        version: "changed_us",
        order: "ORDER BY key",
        settings: "",
        shard: "cityHash64(key)",
    },
    // Who writes, and up to where all of its rows are in.
    Table {
        name: "writers",
        columns: "writer UInt16, beat UInt64, open_row UInt64, identity UUID, boot UUID, writes UInt8, at_us Int64",
        engine: "ReplacingMergeTree",
        version: "beat",
        order: "ORDER BY writer",
        settings: "",
        shard: "writer",
    },
    // Who wanted which writer's number, and when.
    Table {
        name: "claims",
        columns: "writer UInt16, identity UUID, at_us Int64",
        engine: "MergeTree",
        version: "",
        order: "ORDER BY (writer, at_us) TTL toDateTime(intDiv(at_us, 1000000)) + INTERVAL 1 DAY",
        settings: "",
        shard: "writer",
    },
    // What those who look after the collector did.
    Table {
        name: "audit",
        columns: "
            time_us Int64, row UInt64, actor String, address String, action LowCardinality(String), description String,
            metadata String, request_id String
        ",
        engine: "ReplacingMergeTree",
        version: "",
        order: "ORDER BY (time_us, row)",
        settings: "",
        shard: "row",
    },
    // Large values outside that events named which were removed, by their names there, and when that was. A note more says nothing, and one that is lost
    // is made up for by the list of all.
    Table {
        name: "unnamed",
        columns: "hash String, noted_us Int64",
        engine: "ReplacingMergeTree",
        version: "noted_us",
        order: "ORDER BY hash TTL toDateTime(intDiv(noted_us, 1000000)) + INTERVAL 7 DAY",
        settings: "",
        shard: "cityHash64(hash)",
    },
    // Up to which row it was said of an hour that events of it come, or go.
    Table {
        name: "touched",
        columns: "hour DateTime('UTC'), row SimpleAggregateFunction(max, UInt64)",
        engine: "AggregatingMergeTree",
        version: "",
        order: "ORDER BY hour",
        settings: "",
        shard: "cityHash64(hour)",
    },
    // Hours that were counted: as of which row, and which rows of the next three tables say what there was. The last of an hour is the largest.
    Table {
        name: "folded",
        columns: "hour DateTime('UTC'), version UInt64, fold UInt64",
        engine: "ReplacingMergeTree",
        version: "fold",
        order: "ORDER BY hour",
        settings: "",
        shard: "cityHash64(hour)",
    },
    Table {
        name: "fold_minutes",
        columns: "
            hour DateTime('UTC'), fold UInt64, minute_us Int64 CODEC(Delta(8), ZSTD(1)), kind UInt8, name LowCardinality(String),
            severity UInt8, count UInt64 CODEC(T64, ZSTD(1))
        ",
        engine: "MergeTree",
        version: "",
        order: "ORDER BY (hour, fold, name, kind, severity, minute_us)",
        settings: "",
        shard: "cityHash64(hour)",
    },
    Table {
        name: "fold_hours",
        columns: "hour DateTime('UTC'), fold UInt64, kind UInt8, name LowCardinality(String), severity UInt8, count UInt64",
        engine: "MergeTree",
        version: "",
        order: "ORDER BY (hour, fold, name, kind, severity)",
        settings: "",
        shard: "cityHash64(hour)",
    },
    Table {
        name: "fold_calls",
        columns: "
            hour DateTime('UTC'), fold UInt64, call UInt8, callee LowCardinality(String), provider LowCardinality(String),
            version LowCardinality(String), first_row UInt64, times UInt64, errors UInt64, given Int128, answered Int128,
            cached Int128, paid Float64, timed UInt64, took Int128, shortest_us Int64, longest_us Int64,
            spread Tuple(Array(UInt16), Array(UInt64))
        ",
        engine: "MergeTree",
        version: "",
        order: "ORDER BY (hour, fold, call, callee, provider, version)",
        settings: "",
        shard: "cityHash64(hour)",
    },
];
