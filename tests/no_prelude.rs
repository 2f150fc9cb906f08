//! The macros name everything by its whole path: they work where no name is in scope.

#![no_implicit_prelude]

#[test]
fn the_macros_need_no_name_in_scope() {
    let reporter = ::lastword::Reporter::disabled();
    let user = 7;
    let dropped = ::lastword::Admission::Dropped(::lastword::DropReason::Disabled);
    ::core::assert_eq!(::lastword::event!(reporter, "e"), dropped);
    let severity = ::lastword::Severity::Error;
    ::core::assert_eq!(
        ::lastword::event!(reporter, severity, "e", user, %user, ?user, a = 1, b.c = %user, "d" = ?user),
        dropped
    );

    ::core::assert_eq!(::lastword::capture!(reporter, 1), 1);
    let result: ::core::result::Result<u8, &str> = ::core::result::Result::Err("as it was");
    ::core::assert_eq!(::lastword::capture!(reporter, fatal, severity: severity, result), result);
    ::core::assert_eq!(::lastword::capture!(reporter, severity: severity, result), result);

    ::core::assert_eq!(::lastword::traced!(reporter, "span", result), result);
    ::core::assert_eq!(::lastword::traced!(reporter.span("span"), 1), 1);

    let runtime = ::tokio::runtime::Builder::new_current_thread().build();
    ::core::assert!(::core::matches!(&runtime, ::core::result::Result::Ok(_)));
    if let ::core::result::Result::Ok(runtime) = runtime {
        runtime.block_on(async {
            ::core::assert_eq!(::lastword::async_capture!(reporter, fatal, async { result }).await, result);
            ::core::assert_eq!(::lastword::async_traced!(reporter, "span", async { result }).await, result);
            let task = ::lastword::async_capture!(reporter, spawn, async { 1_u8 });
            ::core::assert!(::core::matches!(task.await, ::core::result::Result::Ok(1)));
        });
    }
}
