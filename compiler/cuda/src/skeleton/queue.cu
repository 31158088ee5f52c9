// Columns that may change a row's state wait until there are several of them. Then all rows of a warp take theirs in side by side, which each would do at
// a time of its own otherwise, while the others stand still. To take one in, as into the list of the nearest so far, costs a hundred times as much as
// to see that it changes nothing, and needs the whole state, which is in the thread's own memory as long as nothing is taken in.
//
// Where the state is one list of PLACES columns, they wait until all columns have been seen. What of them can still get into the list is kept when there
// is no more room: a little more than the list has places, in the order of columns. That costs a few steps for each that waits, however long the list is.

// Columns that wait of a row, and what those that come have to be better than.
template <typename Pass>
struct Kept {
    int count;
    typename Pass::Bound bound;
};

// Keeps the PLACES best candidates and perhaps a few more, the first of equals first. Some candidate is found, up to which there are so many, by halving
// the rest at one that is chosen by its number's digits. All lanes of a warp do so together.
template <typename Pass, int LENGTH>
static __device__ __noinline__ Kept<Pass> keep_best(
    typename Pass::Candidate *candidates, int count, const typename Pass::Bound bound)
{
    typedef typename Pass::Candidate Candidate;
    enum { PLACES = Pass::PLACES, MOST = PLACES + PLACES / 4 };
    Candidate pivot = candidates[count / 2], lowest = pivot, highest = pivot;
    bool has_lowest = false, has_highest = false, is_exact = false, is_open = count > MOST;
    int better = 0;
    while (__any_sync(0xffffffffu, is_open)) {
        Candidate below = pivot, above = pivot;
        unsigned int of_below = 0, of_above = 0;
        int less = 0, more = 0;
        #pragma unroll 4
        for (int n = 0; n < LENGTH; ++n) {
            const Candidate candidate = candidates[n];
            const bool is_there = n < count;
            const bool is_less = is_there && Pass::precedes(candidate, pivot);
            const bool is_more = is_there && Pass::precedes(pivot, candidate);
            const unsigned int digits = 1 + ((unsigned int)n * 40503u & 0xffffu);
            less += is_less;
            more += is_more;
            if (is_less && digits > of_below && (!has_lowest || Pass::precedes(lowest, candidate))) {
                below = candidate;
                of_below = digits;
            }
            if (is_more && digits > of_above && (!has_highest || Pass::precedes(candidate, highest))) {
                above = candidate;
                of_above = digits;
            }
        }
        if (is_open) {
            const int up_to = count - more;
            if (up_to >= PLACES) {
                highest = pivot;
                has_highest = true;
                is_exact = less < PLACES;
                better = less;
                is_open = !is_exact && up_to > MOST;
                pivot = below;
            } else {
                lowest = pivot;
                has_lowest = true;
                pivot = above;
            }
        }
    }
    Candidate worst = candidates[0];
    int place = 0, equals = is_exact ? PLACES - better : LENGTH;
    #pragma unroll 4
    for (int n = 0; n < LENGTH; ++n) {
        const Candidate candidate = candidates[n];
        bool is_kept = n < count;
        if (is_kept && has_highest && !Pass::precedes(candidate, highest)) {
            is_kept = !Pass::precedes(highest, candidate) && equals-- > 0;
        }
        if (is_kept) {
            candidates[place] = candidate;
            ++place;
            worst = Pass::precedes(worst, candidate) ? candidate : worst;
        }
    }
    Kept<Pass> kept = {place, bound};
    if (place >= PLACES) {
        Pass::bound_by(kept.bound, worst);
    }
    return kept;
}

// A list of the best of these candidates, each at the place that the number of better ones and of earlier equals tells.
template <typename Pass>
static __device__ __noinline__ void sort_best(
    typename Pass::State &state, const typename Pass::Candidate *candidates, int count)
{
    typedef typename Pass::Candidate Candidate;
    enum { TOGETHER = Pass::TOGETHER };
    #pragma unroll 1
    for (int first = 0; __any_sync(0xffffffffu, first < count); first += TOGETHER) {
        Candidate own[TOGETHER];
        int places[TOGETHER];
        #pragma unroll
        for (int c = 0; c < TOGETHER; ++c) {
            own[c] = candidates[first + c];
            places[c] = 0;
        }
        #pragma unroll 4
        for (int n = 0; n < count; ++n) {
            const Candidate other = candidates[n];
            #pragma unroll
            for (int c = 0; c < TOGETHER; ++c) {
                places[c] += n < first + c ? !Pass::precedes(own[c], other) : Pass::precedes(other, own[c]);
            }
        }
        #pragma unroll
        for (int c = 0; c < TOGETHER; ++c) {
            if (first + c < count && places[c] < Pass::PLACES) {
                Pass::place(state, places[c], own[c]);
            }
        }
    }
}

// Those of a thread's rows.
template <typename Pass, int ROWS>
struct Queue {
    typedef typename Pass::State State;
    typedef typename Pass::Candidate Candidate;
    // Columns that are looked at together, and how many of a row wait at most.
    enum { BLOCK = 8, LENGTH = Pass::PLACES == 0 ? 16 : (2 * Pass::PLACES + 7) / 8 * 8 };
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
                make_room(state[r], waiting.candidates[r], r);
            }
        }
    }

    // Takes in all that wait.
    __device__ __forceinline__ void end(State (&state)[ROWS], Waiting &waiting)
    {
        #pragma unroll
        for (int r = 0; r < ROWS; ++r) {
            if constexpr (Pass::PLACES > 0) {
                // To sort many of which few are needed takes longer than to find these.
                if (__any_sync(0xffffffffu, counts[r] > Pass::PLACES + Pass::PLACES / 4)) {
                    make_room(state[r], waiting.candidates[r], r);
                }
                sort_best<Pass>(state[r], waiting.candidates[r], counts[r]);
            } else {
                take_in(state[r], waiting.candidates[r], counts[r]);
            }
        }
    }

    __device__ __forceinline__ void make_room(State &state, Candidate *candidates, int row)
    {
        if constexpr (Pass::PLACES > 0) {
            const Kept<Pass> kept = keep_best<Pass, LENGTH>(candidates, counts[row], bounds[row]);
            counts[row] = kept.count;
            bounds[row] = kept.bound;
        } else {
            take_in(state, candidates, counts[row]);
            counts[row] = 0;
            Pass::bound(bounds[row], state);
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
