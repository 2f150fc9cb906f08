//! What a server has room for, and whether it comes after: disks, parts, and changes of tables.

use super::super::Sql;
use super::super::error::first_line;
use super::Look;
use crate::finding::Finding;
use crate::limits::{
    CLICKHOUSE_DISK_LOW_PERCENT, CLICKHOUSE_DISK_NONE_BYTES, CLICKHOUSE_MUTATION_LONG, CLICKHOUSE_MUTATIONS_TOLD,
};

/// From how many parts of one partition on a server takes inserts slowly, and from how many not at all.
#[derive(Debug, Clone, Copy, Default)]
struct Bounds {
    delay: u64,
    throw: u64,
}

/// The most parts of one partition: of which table, partition and server; how many; the bytes of the largest part of all.
type Most = ((String, String, String), u64, u64);

impl Look<'_> {
    /// Whether merges come after, and whether there is room for them.
    pub(super) fn room(&mut self) {
        let mut sql = Sql::new(&format!(
            "SELECT argMax((table, partition_id, host), n), max(n), max(bytes) FROM (SELECT table, partition_id, hostName() \
             AS host, count() AS n, max(bytes_on_disk) AS bytes FROM {} WHERE database = ",
            self.system("parts")
        ));
        sql.text(self.client.location().database()).add(" AND active GROUP BY table, partition_id, host)");
        let most = self.ask_one::<Most>("of how many parts tables are", &sql);
        let bounds = most.as_ref().and_then(|_| self.bounds());
        if let (Some(most), Some(bounds)) = (&most, bounds) {
            self.findings.push(of_parts(most, bounds));
        }
        let sql = Sql::new(&format!(
            "SELECT DISTINCT hostName() AS host, name, free_space, total_space FROM {} WHERE total_space > 0 ORDER BY host, name",
            self.system("disks")
        ));
        let disks = self.ask::<(String, String, u64, u64)>("how much of its disks is free", &sql);
        let largest = most.map_or(0, |(_, _, largest)| largest);
        for (host, name, free, total) in disks.unwrap_or_default() {
            self.findings.push(of_disk(&format!("the disk `{name}` of {host}"), free, total, largest));
        }
    }

    fn bounds(&mut self) -> Option<Bounds> {
        let sql = Sql::new(
            "SELECT name, toUInt64OrZero(value) FROM system.merge_tree_settings \
             WHERE name IN ('parts_to_delay_insert', 'parts_to_throw_insert')",
        );
        let mut bounds = Bounds::default();
        for (name, value) in self.ask::<(String, u64)>("how many parts are too many", &sql)? {
            let bound = if name == "parts_to_delay_insert" { &mut bounds.delay } else { &mut bounds.throw };
            *bound = value;
        }
        Some(bounds)
    }

    /// Whether removals, and whatever else changes what is stored, come to an end.
    pub(super) fn changes(&mut self) {
        let database = self.client.location().database();
        let mut sql = Sql::new(&format!(
            "SELECT DISTINCT table, mutation_id, latest_fail_reason, dateDiff('second', create_time, now()) AS age, \
             hostName() AS host FROM {} WHERE database = ",
            self.system("mutations")
        ));
        sql.text(database).add(" AND NOT is_done ORDER BY age DESC, table LIMIT ").number(CLICKHOUSE_MUTATIONS_TOLD);
        let asked = self.ask::<(String, String, String, i64, String)>("whether removals come to an end", &sql);
        let Some(changes) = asked else { return };
        let before = self.findings.len();
        for (table, id, why, age, host) in changes {
            if !why.is_empty() {
                let why = first_line(&why);
                self.wrong(
                    format!("a change of `{table}` on {host} (`{id}`) fails, for {age} s by now, and all later ones wait for it: {why}"),
                    format!(
                        "see to what it says: it is tried again by itself. Else `KILL MUTATION WHERE database = '{database}' AND \
                         table = '{table}' AND mutation_id = '{id}'`, and have removed again what it was to remove"
                    ),
                );
            } else if u64::try_from(age).unwrap_or(0) >= CLICKHOUSE_MUTATION_LONG.as_secs() {
                self.warn(
                    format!("a change of `{table}` on {host} (`{id}`) is under way for {age} s"),
                    "see to the load of that server; `system.mutations` says which parts it still has to write anew",
                );
            }
        }
        if self.findings.len() == before {
            self.ok("removals come to an end");
        }
    }
}

fn of_parts(((table, partition, host), most, _): &Most, Bounds { delay, throw }: Bounds) -> Finding {
    if *most == 0 {
        return Finding::ok("there are no parts of tables yet".to_owned());
    }
    let found = format!("`{table}` has the most parts in one partition: {most} in `{partition}` on {host}");
    let advice =
        "merges don't come after: see to the load and the disks of the server, and whether merges were stopped \
                  (`SYSTEM START MERGES`); fewer processes that write make larger blocks"
            .to_owned();
    if throw > 0 && *most >= throw {
        Finding::wrong(format!("{found}; from {throw} on nothing is taken"), advice)
    } else if delay > 0 && *most >= delay {
        Finding::warning(
            format!("{found}; from {delay} on inserts are made slow, from {throw} on nothing is taken"),
            advice,
        )
    } else {
        Finding::ok(format!("{found}; inserts are made slow from {delay} on"))
    }
}

fn of_disk(disk: &str, free: u64, total: u64, largest: u64) -> Finding {
    let found = format!("{disk} has {} of {} MiB free", free >> 20, total >> 20);
    let low = u128::from(total) * u128::from(CLICKHOUSE_DISK_LOW_PERCENT) / 100;
    if free < CLICKHOUSE_DISK_NONE_BYTES {
        Finding::wrong(
            found,
            "make room: those who bring events are told to come back when nothing can be stored".to_owned(),
        )
    } else if free < largest {
        let found = format!("{found}, and the largest part of a table has {}", largest >> 20);
        Finding::warning(
            found,
            "make room: what is removed leaves a part when it is written anew, beside the old one".to_owned(),
        )
    } else if u128::from(free) < low {
        Finding::warning(found, "make room, or bound the store with `retention.bytes_max`".to_owned())
    } else {
        Finding::ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::{Bounds, of_disk, of_parts};
    use crate::finding::Level;

    #[test]
    fn parts_are_too_many_from_where_the_server_says_so() {
        let bounds = Bounds { delay: 1000, throw: 3000 };
        let of = |most| of_parts(&(("events".to_owned(), "20261123".to_owned(), "h".to_owned()), most, 1), bounds);
        assert_eq!([0, 1, 999].map(|most| of(most).level), [Level::Ok; 3]);
        assert_eq!([1000, 2999, 3000].map(|most| of(most).level), [Level::Warning, Level::Warning, Level::Wrong]);
        assert!(of(1000).found.contains("1000 in `20261123`"), "{}", of(1000).found);
    }

    #[test]
    fn a_disk_has_room_for_its_largest_part_once_more() {
        const GIB: u64 = 1 << 30;
        let level = |(free, largest)| of_disk("d", free, 100 * GIB, largest).level;
        let disks = [(20 * GIB, 0), (20 * GIB, 21 * GIB), (9 * GIB, 0), (GIB - 1, 0)];
        assert_eq!(disks.map(level), [Level::Ok, Level::Warning, Level::Warning, Level::Wrong]);
        // An object store says of itself that it has all there can be.
        assert_eq!(of_disk("s3", u64::MAX, u64::MAX, GIB).level, Level::Ok);
    }
}
