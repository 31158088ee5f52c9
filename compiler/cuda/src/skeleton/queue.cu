// Columns that may change a row's state wait until there are several of them. Then all rows of a warp take theirs in side by side, which each would do at
// a time of its own otherwise, while the others stand still. To take one in, as into the list of the nearest so far, costs a hundred times as much as
// to see that it changes nothing, and needs the whole state, which is in the thread's own memory as long as nothing is taken in.

// Those of a thread's rows.
template <typename Pass, int ROWS>
struct Queue {
    typedef typename Pass::State State;
    typedef typename Pass::Candidate Candidate;
    // Columns that are looked at together, and how many of a row wait at most.
    enum { BLOCK = 8, LENGTH = 16 };
    static_assert(LENGTH % Pass::TOGETHER == 0, "what waits is taken in by so many");
    // Apart from all else, which stays in registers.
    struct Waiting {
        Candidate candidates[ROWS][LENGTH];
    };
    int counts[ROWS];
    typename Pass::Bound bounds[ROWS];

    __device__ __forceinline__ void begin(const State (&state)[ROWS])
    {
        #pragma unroll
        for (int r = 0; r < ROWS; ++r) {
            counts[r] = 0;
            Pass::bound(bounds[r], state[r]);
        }
    }

    // Looks at columns, of which the first `number` are there, with what has been computed of the pairs. All lanes of a warp do so together.
    template <typename... Pair>
    __device__ __forceinline__ void offer(State (&state)[ROWS], Waiting &waiting, const Pass &pass,
        const typename Pass::Row (&row)[ROWS], const typename Pass::Column *columns, long long first, int number,
        const Pair *...pairs)
    {
        Candidate candidates[ROWS][BLOCK];
        bool are[ROWS][BLOCK], has_some[ROWS], are_some = false;
        #pragma unroll
        for (int r = 0; r < ROWS; ++r) {
            has_some[r] = false;
            #pragma unroll
            for (int c = 0; c < BLOCK; ++c) {
                are[r][c] = pass.changes(candidates[r][c], bounds[r], row[r], columns[c], first + c, pairs[c]...);
                has_some[r] = has_some[r] || are[r][c];
            }
            are_some = are_some || has_some[r];
        }
        if (!__any_sync(0xffffffffu, are_some)) {
            return;
        }
        #pragma unroll
        for (int r = 0; r < ROWS; ++r) {
            if (!__any_sync(0xffffffffu, has_some[r])) {
                continue;
            }
            #pragma unroll
            for (int c = 0; c < BLOCK; ++c) {
                if (are[r][c] && c < number) {
                    waiting.candidates[r][counts[r]] = candidates[r][c];
                    ++counts[r];
                }
            }
            if (__any_sync(0xffffffffu, counts[r] > LENGTH - BLOCK)) {
                take_in(state[r], waiting.candidates[r], counts[r]);
                counts[r] = 0;
                Pass::bound(bounds[r], state[r]);
            }
        }
    }

    // Takes in all that wait.
    __device__ __forceinline__ void end(State (&state)[ROWS], const Waiting &waiting) const
    {
        #pragma unroll
        for (int r = 0; r < ROWS; ++r) {
            take_in(state[r], waiting.candidates[r], counts[r]);
        }
    }

    // A function of its own, so that it takes no registers from anything else.
    static __device__ __noinline__ void take_in(State &state, const Candidate *candidates, int count)
    {
        #pragma unroll 1
        for (int first = 0; __any_sync(0xffffffffu, first < count); first += Pass::TOGETHER) {
            Pass::take(state, candidates + first, count - first);
        }
    }
};
