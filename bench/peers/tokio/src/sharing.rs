// What tasks share: mutex, semaphore, queue; and gather and cancelstorm.
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, Mutex, Semaphore};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use super::{chan, consume, Tx};

pub async fn mutex(n: i64) {
    let m = Mutex::new(());
    for _ in 0..n {
        let _guard = m.lock().await;
    }
}

// Two tasks give each other a permit.
pub async fn semaphore(n: i64) {
    let (a, b) = (Arc::new(Semaphore::new(1)), Arc::new(Semaphore::new(0)));
    let hand_over = |take: Arc<Semaphore>, give: Arc<Semaphore>| {
        tokio::spawn(async move {
            for _ in 0..n / 2 {
                take.acquire().await.unwrap().forget();
                give.add_permits(1);
            }
        })
    };
    let (first, second) = (hand_over(a.clone(), b.clone()), hand_over(b, a));
    first.await.unwrap();
    second.await.unwrap();
}

pub async fn queue(n: i64) {
    let (tx, mut rx) = mpsc::channel::<i64>(64);
    let producer = tokio::spawn(async move {
        for i in 0..n {
            tx.send(i).await.unwrap();
        }
    });
    for i in 0..n {
        assert_eq!(rx.recv().await, Some(i));
    }
    producer.await.unwrap();
}

async fn nap() {
    sleep(Duration::from_millis(1)).await;
}

pub async fn gather(n: i64) {
    let tasks: Vec<_> = (0..n).map(|_| tokio::spawn(nap())).collect();
    for task in tasks {
        task.await.unwrap();
    }
}

pub async fn gather_joinset(n: i64) {
    let mut set = JoinSet::new();
    for _ in 0..n {
        set.spawn(nap());
    }
    while let Some(end) = set.join_next().await {
        end.unwrap();
    }
}

async fn long_sleep(begun: Tx<i64>) {
    let _ = begun.send(1);
    drop(begun);
    sleep(Duration::from_secs(3600)).await;
}

// Starts n tasks with `spawn`, and waits until all have begun.
async fn begin<T>(n: i64, mut spawn: impl FnMut(Tx<i64>) -> T) {
    let (tx, rx) = chan();
    for _ in 0..n {
        spawn(tx.clone());
    }
    assert_eq!(consume(rx, n).await, n);
}

pub async fn fall_asleep(n: i64) -> Vec<JoinHandle<()>> {
    let mut tasks = vec![];
    begin(n, |begun| tasks.push(tokio::spawn(long_sleep(begun)))).await;
    tasks
}

pub async fn cancel_all(tasks: Vec<JoinHandle<()>>) {
    for task in &tasks {
        task.abort();
    }
    for task in tasks {
        assert!(task.await.unwrap_err().is_cancelled());
    }
}

pub async fn fall_asleep_joinset(n: i64) -> JoinSet<()> {
    let mut set = JoinSet::new();
    begin(n, |begun| set.spawn(long_sleep(begun))).await;
    set
}

pub async fn cancel_all_joinset(mut set: JoinSet<()>) {
    set.shutdown().await;
}
