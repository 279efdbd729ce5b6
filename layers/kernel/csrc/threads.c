/* Sharing work that finds hits among threads. */
#include "threads.h"

#include <pthread.h>
#include <stdatomic.h>

enum { MAX_THREADS = 256 };

typedef struct {
    piece_of_work *work;
    void *context;
    size_t count;
    atomic_size_t next;
    atomic_int code; /* of a piece that failed */
} pool;

typedef struct {
    pool *pool;
    dk_hits *hits;
    pthread_t thread;
} worker;

static void *run_worker(void *argument)
{
    worker *self = argument;
    pool *pool = self->pool;
    for (size_t piece; !pool->code && (piece = atomic_fetch_add(&pool->next, 1)) < pool->count;) {
        int code = pool->work(pool->context, piece, self->hits);
        if (code != DK_OK)
            pool->code = code;
    }
    return NULL;
}

/* Starts a worker with hits of its own: 1, or 0 where there is no thread or no memory for it. */
static int start(worker *worker, pool *pool)
{
    worker->pool = pool;
    worker->hits = dk_hits_new();
    if (worker->hits && pthread_create(&worker->thread, NULL, run_worker, worker) == 0)
        return 1;
    dk_hits_free(worker->hits);
    return 0;
}

int dk_run_pieces(size_t count, int threads, piece_of_work *work, void *context, dk_hits *hits)
{
    pool pool = {.work = work, .context = context, .count = count};
    worker workers[MAX_THREADS];
    int wanted = (threads < MAX_THREADS ? threads : MAX_THREADS) - 1, started = 0;
    while (started < wanted && (size_t)started + 1 < count && start(&workers[started], &pool))
        started++;
    run_worker(&(worker){.pool = &pool, .hits = hits});
    for (int i = 0; i < started; i++) {
        pthread_join(workers[i].thread, NULL);
        dk_hits_join(hits, workers[i].hits);
        dk_hits_free(workers[i].hits);
    }
    return pool.code;
}
