//! Who is late, who is woken, and in which order.

use std::future::pending;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_wait_ends_when_its_deadline_has_passed() {
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            let deadlines = Rc::new(Deadlines::default());
            let deadline = deadlines.add();
            let past = deadlines.now();
            tokio::task::spawn_local(Rc::clone(&deadlines).keep(|| ()));
            assert_eq!(deadline.until(past, pending::<()>()).await, Err(Late));
            assert_eq!(deadline.until(past, async { 7 }).await, Ok(7), "what is ready is never late");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn when_the_gateway_ends_only_waits_between_calls_end_early() {
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            let deadlines = Rc::new(Deadlines::default());
            let (idle, busy) = (deadlines.add(), deadlines.add());
            let far = deadlines.now() + Duration::from_secs(3_600);
            tokio::task::spawn_local(Rc::clone(&deadlines).keep(|| ()));
            deadlines.end_idle_at(deadlines.now());
            let busy = busy.until(far, pending::<()>());
            tokio::select! {
                ended = idle.idle_until(far, pending::<()>()) => assert_eq!(ended, Err(Late)),
                _ = busy => panic!("a call under way was cut off"),
            }
        })
        .await;
}

#[test]
fn a_wait_beside_calls_makes_room_only_while_there_is_none() {
    let deadlines = Deadlines::default();
    let deadline = deadlines.add();
    let ended_early = || {
        let count = deadlines.end_idle_early(Duration::from_secs(30), 1);
        (count, is_ready(deadline.over()))
    };
    let after = |seconds| Some(deadlines.now() + Duration::from_secs(seconds));
    deadline.set_idle(after(10));
    assert_eq!(ended_early(), (1, true));
    deadline.set_idle(None);
    assert_eq!(ended_early(), (0, false), "a call that begins just then keeps the connection");
    deadline.set_idle(after(40));
    assert_eq!(ended_early(), (0, false), "it has called a moment ago");
}

fn is_ready(future: impl Future) -> bool {
    pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[tokio::test(start_paused = true)]
async fn for_want_of_room_those_that_have_waited_longest_between_calls_end_first() {
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            let deadlines = Rc::new(Deadlines::default());
            let ended = Rc::new(RefCell::new(Vec::new()));
            for seconds in [50, 10, 30, 20, 5] {
                let (deadline, ended) = (deadlines.add(), Rc::clone(&ended));
                let until = deadlines.now() + Duration::from_secs(seconds);
                tokio::task::spawn_local(async move {
                    // One of them is a call that is under way.
                    let late = match seconds {
                        5 => deadline.until(until, pending::<()>()).await,
                        _ => deadline.idle_until(until, pending::<()>()).await,
                    };
                    assert_eq!(late, Err(Late));
                    ended.borrow_mut().push(seconds);
                });
            }
            let make_room = async |left, most| {
                tokio::task::yield_now().await;
                let count = deadlines.end_idle_early(Duration::from_secs(left), most);
                tokio::task::yield_now().await;
                ended.borrow_mut().sort_unstable();
                (count, ended.borrow().clone())
            };
            assert_eq!(make_room(9, 2).await, (0, vec![]));
            assert_eq!(make_room(30, 2).await, (2, vec![10, 20]));
            assert_eq!(make_room(30, 2).await, (1, vec![10, 20, 30]));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_flood_that_is_over_at_once_lets_others_go_between() {
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            let deadlines = Rc::new(Deadlines::default());
            let past = deadlines.now();
            let ended = Rc::new(Cell::new(0));
            for _ in 0..10 * AT_ONCE {
                let (deadline, ended) = (deadlines.add(), Rc::clone(&ended));
                tokio::task::spawn_local(async move {
                    assert_eq!(deadline.until(past, pending::<()>()).await, Err(Late));
                    ended.set(ended.get() + 1);
                });
            }
            tokio::task::yield_now().await;
            tokio::task::spawn_local(Rc::clone(&deadlines).keep(|| ()));
            let mut seen = vec![0];
            while ended.get() < 10 * AT_ONCE {
                // A call that has just become ready stands at the end of the worker's queue.
                tokio::task::spawn_local(async {}).await.unwrap();
                seen.push(ended.get());
            }
            let largest = seen.windows(2).map(|pair| pair[1] - pair[0]).max();
            assert!(largest <= Some(2 * AT_ONCE), "{seen:?}");
        })
        .await;
}

#[test]
fn a_connection_that_has_ended_is_forgotten() {
    let deadlines = Deadlines::default();
    let kept = deadlines.add();
    drop(deadlines.add());
    assert!(deadlines.look(Instant::now()).is_empty());
    assert_eq!(deadlines.all.borrow().len(), 1);
    drop(kept);
}
