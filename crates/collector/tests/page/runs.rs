//! The pages of runs.

use serde_json::{Value, json};

use crate::common::{Dir, Server, body, named};

fn told(index: usize, run: &str, name: &str, more: &Value) -> String {
    let mut data = json!({"run_id": run});
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let severity = if name == "run.error" { "ERROR" } else { "INFO" };
    let event = named(index, &format!("{run}-{index}"), name, severity, &data.to_string());
    // A minute each.
    event.replace("T09:20:34.", &format!("T09:{index:02}:34."))
}

/// A run that calls a tool, leaves a patch and ends.
fn run(id: &str, parent: Option<&str>, patch: &str, status: &str) -> Vec<String> {
    let metadata =
        parent.map_or(json!({"tags": ["bugfix"]}), |parent| json!({"parentRolloutId": parent, "forkReason": "retry"}));
    let tool = |id: u64, tool: &str, result: &str| {
        json!({"trace_id": "4bf92f3577b34da6a3ce929d0e0e4701", "span_id": format!("{id:016x}"), "span_name": format!("execute_tool {tool}"),
            "duration_ms": 1, "status": "ok", "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool,
            "gen_ai.tool.call.arguments": r#"{"command":"cargo <i>test"}"#, "gen_ai.tool.call.result": result})
    };
    let chat = json!({"trace_id": "4bf92f3577b34da6a3ce929d0e0e4701", "span_id": "00000000000000cc", "span_name": "chat gpt-4o", "duration_ms": 2,
        "status": "ok", "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 700, "gen_ai.usage.output_tokens": 33, "gen_ai.usage.cost": 0.5});
    let parts = [
        ("run.run_start", json!({"objective": format!("Fix the <b>login of {id}"), "metadata": metadata})),
        ("span.end", tool(1, "bash", "1 failed")),
        ("span.end", chat),
        ("run.decision", json!({"description": "Raise it", "selected": "30 s"})),
        ("run.patch_created", json!({"artifact": "patch.diff", "bytes": patch.len(), "content": patch})),
        ("run.artifact_saved", json!({"artifact": "screen.png", "bytes": 4096})),
        ("run.artifact_saved", json!({"artifact": "report.json", "content": "{\"failed\":[1,2]}"})),
        ("run.checkpoint", json!({"name": "after tests"})),
        ("run.error", json!({"message": "still red"})),
        ("run.run_end", json!({"status": status})),
    ];
    parts.iter().enumerate().map(|(index, (name, more))| told(index, id, name, more)).collect()
}

fn filled() -> (Dir, Server) {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    server.telemetry(body("s1", &run("run_1", None, "one\n<script>alert(1)</script>\n", "failed"))).is(200);
    server.telemetry(body("s2", &run("run_2", Some("run_1"), "two\n<script>alert(1)</script>\n", "completed"))).is(200);
    server.telemetry(body("s3", &run("run_3", Some("run_2"), "two\n<script>alert(1)</script>\n", "completed"))).is(200);
    (dir, server)
}

#[test]
fn runs_have_a_list_that_is_narrowed_by_status_and_by_words_of_what_they_were_for() {
    let dir = Dir::new();
    let server = Server::start(dir.config());
    assert!(server.get("/runs").is(200).body.contains("No run was received"));
    drop(server);
    let (_dir, server) = filled();
    let page = server.get("/runs").is(200).body;
    for part in [
        "href=\"/runs/run_1\"",
        "Fix the &lt;b&gt;login of run_2",
        ">failed<",
        ">completed<",
        ">733<",
        "$0.50",
        ">Runs</a>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let failed = server.get("/runs?status=failed").is(200).body;
    assert!(failed.contains("/runs/run_1\"") && !failed.contains("/runs/run_2\""), "{failed}");
    let words = server.get("/runs?objective=LOGIN%20of%20run_3").is(200).body;
    assert!(words.contains("/runs/run_3\"") && !words.contains("/runs/run_1\""), "{words}");
    assert!(!server.get("/runs?objective=%25").is(200).body.contains("/runs/run_1\""), "a sign of patterns is a sign");
}

#[test]
fn a_run_is_a_timeline_of_steps_with_what_tools_were_given_and_came_to() {
    let (_dir, server) = filled();
    let page = server.get("/runs/run_1").is(200).body;
    for part in [
        "Fix the &lt;b&gt;login of run_1",
        ">bash<",
        "cargo &lt;i&gt;test",
        "1 failed",
        "Raise it",
        "30 s",
        "after tests",
        "still red",
        "700 → 33 tokens",
        "href=\"/traces/4bf92f3577b34da6a3ce929d0e0e4701/spans/00000000000000cc\"",
        "bugfix",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<script>") && !page.contains("style=\""), "{page}");
    // A call and what it came to are one step.
    assert_eq!(page.matches("<b class=\"name\"><bdi>bash</bdi>").count(), 1, "{page}");
    assert!(server.get("/runs/none").is(404).body.contains("No such run"));
}

#[test]
fn a_run_is_played_line_by_line_by_links_alone() {
    let (_dir, server) = filled();
    let at = |step: &str| server.get(&format!("/runs/run_1?step={step}")).is(200).body;
    let first = at("1");
    assert!(
        first.contains("Line <b>1</b> of 12") && first.contains("rel=\"next\" href=\"/runs/run_1?step=2"),
        "{first}"
    );
    assert!(!first.contains("rel=\"prev\"") && !first.contains("still red") && first.contains(">running<"), "{first}");
    let last = at("12");
    assert!(
        last.contains("still red")
            && last.contains(">failed<")
            && last.contains("rel=\"prev\" href=\"/runs/run_1?step=11"),
        "{last}"
    );
    assert!(!last.contains("rel=\"next\""), "{last}");
    // As of a line what came later is neither shown nor counted.
    let shown: Vec<String> = (1..=12).map(|step| at(&step.to_string())).collect();
    let has_tokens = |page: &String| page.contains("700, 33");
    assert!(!has_tokens(&shown[0]) && has_tokens(&shown[11]));
    assert!(
        shown.iter().all(|page| has_tokens(page) == page.contains("700 → 33 tokens")),
        "no step says what its end did"
    );
    assert!(shown.iter().all(|page| page.contains("aria-current=\"step\"")));
    assert!(at("900").contains("Line <b>12</b> of 12"), "there is no later one");
    server.get("/runs/run_1?step=x").is(400);
}

#[test]
fn artifacts_are_shown_as_text_and_never_as_a_page_or_a_picture() {
    let (_dir, server) = filled();
    let page = server.get("/runs/run_1/artifacts/patch.diff").is(200).body;
    assert!(page.contains("one\n&lt;script&gt;alert(1)&lt;/script&gt;") && !page.contains("<script>"), "{page}");
    assert!(page.contains("text/x-diff") && page.contains("SHA-256"), "{page}");
    let json = server.get("/runs/run_1/artifacts/report.json").is(200).body;
    assert!(json.contains("&quot;failed&quot;: [\n"), "{json}");
    let image = server.get("/runs/run_1/artifacts/screen.png").is(200).body;
    assert!(image.contains("image/png") && image.contains("4096") && image.contains("not what is in it"), "{image}");
    assert!(!image.contains("<img"), "{image}");
    server.get("/runs/run_1/artifacts/none").is(404);
}

#[test]
fn the_family_of_a_run_is_a_tree_of_which_each_can_be_held_against_it() {
    let (_dir, server) = filled();
    let page = server.get("/runs/run_2").is(200).body;
    let family = page.split("<h2>Lineage</h2>").nth(1).unwrap();
    let place = |part: &str| family.find(part).unwrap_or_else(|| panic!("{part}: {family}"));
    assert!(family.contains("A family of 3 runs"), "{family}");
    assert!(place("/runs/run_1\"") < place("this run") && place("this run") < place("/runs/run_3\""), "{family}");
    assert!(family.contains("href=\"/runs/run_2/diff/run_1\""), "{family}");
    let diff = server.get("/runs/run_1/diff/run_2").is(200).body;
    for part in
        ["<del>-one\n</del>", "<ins>+two\n</ins>", "lines are alike", ">failed<", ">completed<", "<bdi>bash</bdi>"]
    {
        assert!(diff.contains(part), "{part}: {diff}");
    }
    assert_eq!(server.get("/runs/run_1/diff?other=run_2").is(200).body, diff);
    server.get("/runs/run_1/diff?other=none").is(404);
}
