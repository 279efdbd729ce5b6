/* Sharing work that finds hits among threads. */
#ifndef DK_THREADS_H
#define DK_THREADS_H

#include "kernel.h"

/* Does one piece of the work, number `piece`, and appends its hits: DK_OK or a negative code. */
typedef int piece_of_work(void *context, size_t piece, dk_hits *hits);

/* Does pieces 0 up to `count` with the calling thread and threads - 1 more, each taking the next piece when
 * it is done with one; with fewer where they cannot be had. DK_OK, or the code of a piece that failed, in
 * which case not all pieces have been done. */
int dk_run_pieces(size_t count, int threads, piece_of_work *work, void *context, dk_hits *hits);

#endif
