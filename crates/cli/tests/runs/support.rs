//! A store, written by the library and by hand, and the binary that reads it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use lastword::runs::{Run, RunMetadata, RunStore, Status};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::lastword;

pub struct Runs(TempDir);

impl Runs {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn open(&self) -> RunStore {
        RunStore::open(self.path()).unwrap()
    }

    pub fn start(&self, objective: &str) -> Run {
        self.open().start(objective, RunMetadata::new()).unwrap()
    }

    /// `lastword runs` on this store.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = lastword();
        command.arg("runs").args(args).env("LASTWORD_RUNS_DIR", self.path()).env_remove("CODEBUDDY_RUNS_DIR");
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// The standard output of a command that must have succeeded.
    pub fn stdout(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The standard error of a command that must have failed with exit code 1.
    pub fn failure(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }

    /// Writes a run as another tool would, with times of its own.
    pub fn write(&self, id: &str, status: &str, events: &[(u64, &str, Value)]) {
        let place = self.path().join(id);
        fs::create_dir_all(place.join("artifacts")).unwrap();
        let at = |passed: u64| 1_763_630_434_502 + passed;
        let lines = events.iter().map(|(passed, kind, data)| {
            format!("{}\n", json!({"ts": at(*passed), "runId": id, "type": kind, "data": data}))
        });
        fs::write(place.join("events.jsonl"), lines.collect::<String>()).unwrap();
        let last = events.last().map_or(0, |event| event.0);
        let mut summary = json!({"runId": id, "objective": events[0].2["objective"], "status": status, "startedAt": at(0),
            "endedAt": at(last), "eventCount": events.len(), "artifactCount": 0});
        if status == "running" {
            summary.as_object_mut().unwrap().remove("endedAt");
        }
        fs::write(place.join("summary.json"), summary.to_string()).unwrap();
        let metrics = json!({"totalTokens": 12_345, "promptTokens": 12_000, "completionTokens": 345, "totalCost": 0.012_345_6,
            "durationMs": last, "toolCallCount": 2, "failoverCount": 0});
        fs::write(place.join("metrics.json"), metrics.to_string()).unwrap();
    }
}

/// A run whose bash has run these commands, each with whether it came out well.
pub fn recorded(runs: &Runs, commands: &[(&str, bool)]) -> String {
    let run = runs.start("test it");
    for (command, success) in commands {
        run.emit("tool_call", json!({"toolName": "bash", "args": {"command": command}}));
        run.emit("tool_result", json!({"toolName": "bash", "success": success, "durationMs": 12}));
    }
    run.end(Status::Completed).unwrap().run_id
}
