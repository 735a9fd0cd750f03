using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using SLoRA.Backends.Cpu.MachineCode;

namespace SLoRA.Backends.Cpu;

/// <content>Where keys and values lie in the pages, and how they come nearer: into the scratch memory as fp32, or into the cache.</content>
internal sealed unsafe partial class AttentionJob
{
    /// <summary>Whether machine code widens the elements: then a block is brought to fp32 first, however few queries it has.</summary>
    private bool Widens<T>()
        where T : struct, IElements => typeof(T) == typeof(F16Elements) && halves is not null;

    /// <summary>Brings positions start + from … start + count − 1 to fp32, a run of up to 16 tokens of a page at a time.</summary>
    /// <param name="task">The task.</param>
    /// <param name="start">The block's first position.</param>
    /// <param name="from">The first position that is seen, in the block.</param>
    /// <param name="count">Positions of the block.</param>
    /// <param name="next">The runs of the next block, which machine code asks for meanwhile; null for none.</param>
    /// <param name="scratch">Where they go.</param>
    private void LoadBlock<T>(AttentionTask task, int start, int from, int count, PageRun* next, AttentionScratch scratch)
        where T : struct, IElements
    {
        int tokens = Math.Min(_layout.PageTokens, Lanes.Count);
        for (int token = from / tokens * tokens; token < count; token += tokens)
        {
            PageRun run = FindRun<T>(task, start + token);
            int seen = Math.Min(tokens, count - token);
            if (Widens<T>())
            {
                Widen(run, tokens, seen, next is null ? run : next[token / Lanes.Count], token, scratch);
                continue;
            }

            LoadKeys<T>(run.Keys, tokens, scratch.Keys + token);
            LoadValues<T>(run.Values, seen, scratch.Values + (token * scratch.PaddedDim));
            if (T.HasScales)
            {
                LoadScales(run, tokens, token, scratch);
            }
        }
    }

    /// <summary>Brings a run of half precision to fp32 and asks for another.</summary>
    private void Widen(in PageRun run, int tokens, int seen, in PageRun next, int token, AttentionScratch scratch)
    {
        nint dim = _attention.HeadDim;
        halves!.Widen(new HalfWideningArguments
        {
            Source = run.Keys,
            SourceStep = (nint)_layout.PageTokens * F16Elements.Size,
            Result = scratch.Keys + token,
            ResultStep = Block * sizeof(float),
            Columns = tokens,
            Rows = dim,
            Near = (nint)(run.Values - run.Keys),
            Far = (nint)(next.Keys - run.Keys),
        });
        halves.Widen(new HalfWideningArguments
        {
            Source = run.Values,
            SourceStep = dim * F16Elements.Size,
            Result = scratch.Values + (token * scratch.PaddedDim),
            ResultStep = scratch.PaddedDim * sizeof(float),
            Columns = dim,
            Rows = seen,
            Far = (nint)(next.Values - run.Values),
        });
    }

    private PageRun FindRun<T>(AttentionTask task, int position)
        where T : struct, IElements
    {
        int place = position & (_layout.PageTokens - 1);
        byte* head = _pages.Address(_plan.PageTables[task.TableStart + (position >> _pageShift)]) + (task.Head * _block.HeadBytes);
        byte* scales = head + _block.ScaleOffset + (place * sizeof(float));
        return new PageRun
        {
            Keys = head + _block.KeyOffset + (place * T.Size),
            Values = head + _block.ValueOffset + ((nint)place * _attention.HeadDim * T.Size),
            KeyScales = (float*)(scales + _block.KeyOffset),
            ValueScales = (float*)(scales + _block.ValueOffset),
        };
    }

    private static void LoadScales(in PageRun run, int tokens, int token, AttentionScratch scratch)
    {
        if (tokens == Lanes.Count)
        {
            Vector512.Load(run.KeyScales).Store(scratch.KeyScales + token);
            Vector512.Load(run.ValueScales).Store(scratch.ValueScales + token);
            return;
        }

        for (int t = 0; t < tokens; t++)
        {
            scratch.KeyScales[token + t] = run.KeyScales[t];
            scratch.ValueScales[token + t] = run.ValueScales[t];
        }
    }

    private void LoadKeys<T>(byte* source, int run, float* destination)
        where T : struct, IElements
    {
        int dim = _attention.HeadDim;
        nint rowBytes = (nint)_layout.PageTokens * T.Size;
        if (run == Lanes.Count)
        {
            for (int i = 0; i < dim; i++)
            {
                T.Load16(source + (i * rowBytes)).Store(destination + (i * Block));
            }

            return;
        }

        for (int i = 0; i < dim; i++)
        {
            for (int t = 0; t < run; t++)
            {
                destination[(i * Block) + t] = T.Load(source + (i * rowBytes) + (t * T.Size));
            }
        }
    }

    private void LoadValues<T>(byte* source, int tokens, float* destination)
        where T : struct, IElements
    {
        int dim = _attention.HeadDim;
        for (int t = 0; t < tokens; t++)
        {
            int i = 0;
            for (; i + Lanes.Count <= dim; i += Lanes.Count)
            {
                T.Load16(source + (i * T.Size)).Store(destination + i);
            }

            for (; i < dim; i++)
            {
                destination[i] = T.Load(source + (i * T.Size));
            }

            source += dim * T.Size;
            destination += _paddedDim;
        }
    }

    /// <summary>
    /// Adds a block that is read where it lies: runs of 16 tokens. Values are asked for while the scores are computed, the next keys while
    /// values are summed.
    /// </summary>
    /// <param name="task">The task.</param>
    /// <param name="seen">Which positions its rows see.</param>
    /// <param name="runs">The block's runs.</param>
    /// <param name="next">Those of the next block; null behind the last.</param>
    /// <param name="scratch">Queries and sums.</param>
    private void AddPages<T>(AttentionTask task, in BlockSight seen, PageRun* runs, PageRun* next, AttentionScratch scratch)
        where T : struct, IElements
    {
        // A run of keys is followed by its values everywhere in the pages, but lies in one piece only where a page is one run.
        int first = seen.FirstRow * task.Group;
        int queries = (seen.EndRow * task.Group) - first;
        nint runBytes = (nint)Lanes.Count * _attention.HeadDim * T.Size;
        bool inOnePiece = _layout.PageTokens == Lanes.Count && TileProduct.AsksAhead;
        for (int run = 0; run < Runs; run++)
        {
            if (!inOnePiece)
            {
                Fetch(runs[run].Values, runBytes);
            }

            if (T.HasScales)
            {
                LoadScales(runs[run], Lanes.Count, run * Lanes.Count, scratch);
                if (next is not null)
                {
                    // Small and far apart.
                    Fetch((byte*)next[run].KeyScales, 1);
                    Fetch((byte*)next[run].ValueScales, 1);
                }
            }
        }

        new Span<float>(scratch.Scores + (first * Block), queries * Block).Clear();
        TileProduct.Add64<T>(
            scratch.Queries + (first * scratch.PaddedDim),
            scratch.PaddedDim,
            runs[0].Keys,
            runs[1].Keys,
            runs[2].Keys,
            runs[3].Keys,
            (nint)_layout.PageTokens * T.Size,
            scratch.Scores + (first * Block),
            Block,
            queries,
            _attention.HeadDim,
            inOnePiece ? (nint)(_block.ValueOffset - _block.KeyOffset) : 0);
        for (int run = 0; run < Runs && next is not null && !inOnePiece; run++)
        {
            Fetch(next[run].Keys, runBytes);
        }

        BlockSoftmax.Weigh<T>(seen, task.Group, scratch, _attention.ScoreCap, _paddedDim);
        int rows = seen.IsAlike ? seen.EndRow - seen.FirstRow : 1;
        for (int row = seen.FirstRow; row < seen.EndRow; row += rows)
        {
            (int from, int to) = seen.Of(row);
            int query = row * task.Group;
            for (int token = from; token < to;)
            {
                int run = token / Lanes.Count;
                int runEnd = Math.Min(to, (run + 1) * Lanes.Count);
                TileProduct.Add<T>(
                    scratch.Scores + (query * Block) + token,
                    Block,
                    runs[run].Values + ((nint)(token % Lanes.Count) * _attention.HeadDim * T.Size),
                    (nint)_attention.HeadDim * T.Size,
                    scratch.Sums + (query * scratch.PaddedDim),
                    scratch.PaddedDim,
                    rows * task.Group,
                    _paddedDim,
                    runEnd - token,
                    inOnePiece && next is not null ? (nint)(next[run].Keys - runs[run].Values) : 0);
                token = runEnd;
            }
        }
    }

    /// <summary>
    /// Finds the runs of a block of which the positions firstToken … count − 1 are seen. Runs that nobody sees may have no page; their
    /// scores are dropped, so any readable place will do.
    /// </summary>
    private void FindRuns<T>(AttentionTask task, int start, int firstToken, int count, PageRun* runs)
        where T : struct, IElements
    {
        for (int run = 0; run < Runs; run++)
        {
            int token = Math.Clamp(run * Lanes.Count, firstToken, count - 1) & -Lanes.Count;
            runs[run] = FindRun<T>(task, start + token);
        }
    }

    /// <summary>Finds the runs that a task begins with.</summary>
    private void FindFirstRuns<T>(AttentionTask task, PageRun* runs)
        where T : struct, IElements
    {
        int first = _sight.FirstVisible(task.FirstPosition), end = task.FirstPosition + task.Rows;
        int start = Math.Max(first / Block * Block, task.FirstSegment * Segment);
        FindRuns<T>(task, start, Math.Max(0, first - start), Math.Min(Block, end - start), runs);
    }

    /// <summary>
    /// Asks for bytes to come into the cache. Runs are short and far apart, so the machine does not foresee them by itself.
    /// </summary>
    private static void Fetch(byte* from, nint bytes)
    {
        for (nint at = 0; Sse.IsSupported && at < bytes; at += AlignedMemory.Alignment)
        {
            Sse.Prefetch0(from + at);
        }
    }

    /// <summary>Asks for keys and values of a run, which lie in one piece where a page is one run.</summary>
    private void FetchRun<T>(in PageRun run)
        where T : struct, IElements
    {
        nint bytes = (nint)Lanes.Count * _attention.HeadDim * T.Size;
        for (nint at = 0; Sse.IsSupported && _layout.PageTokens == Lanes.Count && at < bytes; at += AlignedMemory.Alignment)
        {
            Sse.Prefetch1(run.Keys + at);
            Sse.Prefetch1(run.Values + at);
        }
    }

    /// <summary>Where a run of positions lies that one page holds, and the scales of integers.</summary>
    private struct PageRun
    {
        public byte* Keys;
        public byte* Values;
        public float* KeyScales;
        public float* ValueScales;
    }
}
