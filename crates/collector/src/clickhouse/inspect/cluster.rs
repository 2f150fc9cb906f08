//! Many servers that are one store.

use super::super::client::REPLICA_DELAY_MAX;
use super::super::error::first_line;
use super::super::{Error, Sql, schema};
use super::Look;

/// How a copy of a table is: on which server, of which table, whether it takes nothing, whether it is so far behind that it is not asked, how many
/// parts it has lost, and how many of how many copies are there.
type Replica = (String, String, u8, u8, u64, u32, u32);

impl Look<'_> {
    /// Whether the server knows the cluster, whether that is set up as it must be, and whether all of it answers. Returns whether
    /// the rest can be asked.
    pub(super) fn cluster(&mut self) -> bool {
        let Some(cluster) = self.client.location().cluster() else { return true };
        let mut sql = Sql::new("SELECT shard_num, host_name, port, errors_count FROM system.clusters WHERE cluster = ");
        sql.text(cluster).add(" ORDER BY shard_num, replica_num");
        let asked = self.ask::<(u32, String, u16, u32)>("of which servers the cluster is", &sql);
        let Some(servers) = asked else { return true };
        let Some((shards, ..)) = servers.last() else {
            self.wrong(
                format!("the server knows no cluster `{cluster}`"),
                "name it in `remote_servers` of all its servers, or another one in `store`: `SHOW CLUSTERS` lists them",
            );
            return false;
        };
        self.ok(format!("the cluster `{cluster}` has {} servers in {shards} shards", servers.len()));
        let shaky: Vec<String> = servers
            .iter()
            .filter(|(.., errors)| *errors > 0)
            .map(|(_, host, port, errors)| format!("{host}:{port} ({errors} times)"))
            .collect();
        if !shaky.is_empty() {
            let found = format!("servers could not be reached lately: {}", shaky.join(", "));
            self.warn(found, "see to them, and to the network between servers");
        }
        match schema::is_fit(self.client, cluster) {
            Ok(()) => {}
            Err(Error::Refused { code: 0, message }) => {
                self.wrong(message, "in `remote_servers` of all servers: else each row is there many times");
            }
            Err(error) => self.unknown("whether the cluster replicates by itself", &error),
        }
        let all = Sql::new(&format!("SELECT count() FROM {}", self.system("one")));
        if let Err(error) = self.client.rows_outside::<(u64,)>(&all) {
            let found = format!("not all servers of `{cluster}` answer: {error}");
            self.wrong(
                found,
                "start them: removals fail while one is away, and a shard takes nothing without most of its copies",
            );
        }
        true
    }

    /// Whether copies of tables are there, and have come as far as the others.
    pub(super) fn copies(&mut self) {
        let location = self.client.location();
        let database = location.database();
        if location.cluster().is_none() {
            return;
        }
        let mut sql = Sql::new(&format!(
            "SELECT DISTINCT hostName() AS host, table, is_readonly, absolute_delay > {REPLICA_DELAY_MAX}, lost_part_count, active_replicas, \
             total_replicas FROM {} WHERE database = ",
            self.system("replicas")
        ));
        sql.text(database).add(" ORDER BY host, table");
        let asked = self.ask::<Replica>("how copies of tables are", &sql);
        let Some(copies) = asked else { return };
        if copies.is_empty() {
            let advice = "make it anew with `?cluster=`, and `lastword store copy` into it: of what is lost with a server there is no other copy";
            return self.warn(format!("no table of `{database}` is replicated"), advice);
        }
        let before = self.findings.len();
        // Each kind of trouble is told once, with whom it has.
        let mut tell = |is: &dyn Fn(&Replica) -> bool, what: &str, advice: &str, is_wrong: bool| {
            let of: Vec<String> =
                copies.iter().filter(|&copy| is(copy)).map(|(host, table, ..)| format!("{table} on {host}")).collect();
            if of.is_empty() {
                return;
            }
            let found = format!("{what}: {}", of.join(", "));
            if is_wrong { self.wrong(found, advice) } else { self.warn(found, advice) }
        };
        tell(
            &|copy| copy.2 == 1,
            "copies take nothing",
            "see to ClickHouse Keeper, and to the log of these servers",
            true,
        );
        tell(
            &|copy| copy.3 == 1,
            "copies are too far behind to be asked",
            "see to the load of these servers; they are asked again when they have come after",
            false,
        );
        tell(
            &|copy| copy.4 > 0,
            "copies have lost parts, of which no other copy was there",
            "what was in them is gone: look into `system.replicas` and the log of these servers",
            false,
        );
        tell(
            &|copy| copy.5 < copy.6,
            "not all copies are there",
            "start their servers: `system.replicas` says which",
            false,
        );
        if self.findings.len() == before {
            self.ok(format!("{} copies of tables are there and not behind", copies.len()));
        }
    }

    /// Whether rows wait to be sent to their shard. Ours never do: who inserts waits until they are there.
    pub(super) fn queued(&mut self) {
        let location = self.client.location();
        if location.cluster().is_none() {
            return;
        }
        let mut sql = Sql::new(&format!(
            "SELECT sum(data_files), sum(broken_data_files), max(last_exception) FROM {} WHERE database = ",
            self.system("distribution_queue")
        ));
        let asked =
            self.ask_one::<(u64, u64, String)>("whether rows wait for their shard", sql.text(location.database()));
        match asked {
            None => {}
            Some((0, 0, _)) => self.ok("no rows wait for their shard"),
            Some((waiting, broken, why)) => {
                let why = first_line(&why);
                self.warn(
                    format!("rows of somebody else wait for their shard: {waiting} files, and {broken} that are broken: {why}"),
                    "`SYSTEM FLUSH DISTRIBUTED` sends them; `lastword` itself waits until its rows are there",
                );
            }
        }
    }
}
