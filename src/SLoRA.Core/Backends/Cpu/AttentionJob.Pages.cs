using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace SLoRA.Backends.Cpu;

/// <content>Where keys and values lie in the pages, and how they come nearer: into the scratch memory as fp32, or into the cache.</content>
internal sealed unsafe partial class AttentionJob
{
    /// <summary>Brings positions start + from … start + count − 1 to fp32, a run of up to 16 tokens of a page at a time.</summary>
    private void LoadBlock<T>(AttentionTask task, int start, int from, int count, AttentionScratch scratch)
        where T : struct, IElements
    {
        int run = Math.Min(_layout.PageTokens, Lanes.Count);
        for (int token = from / run * run; token < count; token += run)
        {
            FindRun<T>(task, start + token, out byte* keys, out byte* values);
            LoadKeys<T>(keys, run, scratch.Keys + token);
            LoadValues<T>(values, Math.Min(run, count - token), scratch.Values + (token * scratch.PaddedDim));
        }
    }

    private void FindRun<T>(AttentionTask task, int position, out byte* keys, out byte* values)
        where T : struct, IElements
    {
        (int page, int place) = Math.DivRem(position, _layout.PageTokens);
        byte* address = _pages.Address(_plan.PageTables[task.TableStart + page]) + (task.Head * _block.HeadBytes);
        keys = address + _block.KeyOffset + (place * T.Size);
        values = address + _block.ValueOffset + ((nint)place * _attention.HeadDim * T.Size);
    }

    /// <summary>
    /// Brings the scales of positions start + from … start + count − 1 to the scratch memory, and asks for those of the next block, which
    /// are small and far apart.
    /// </summary>
    private void LoadScales(AttentionTask task, int start, int from, int count, AttentionScratch scratch)
    {
        int run = Math.Min(_layout.PageTokens, Lanes.Count);
        for (int token = from / run * run; token < count; token += run)
        {
            FindScales(task, start + token, out float* keys, out float* values);
            if (run == Lanes.Count)
            {
                Vector512.Load(keys).Store(scratch.KeyScales + token);
                Vector512.Load(values).Store(scratch.ValueScales + token);
                continue;
            }

            for (int t = 0; t < run; t++)
            {
                scratch.KeyScales[token + t] = keys[t];
                scratch.ValueScales[token + t] = values[t];
            }
        }

        int end = task.FirstPosition + task.Rows;
        for (int position = start + Block; Sse.IsSupported && position < Math.Min(end, start + (2 * Block)); position += run)
        {
            FindScales(task, position, out float* keys, out float* values);
            Sse.Prefetch0(keys);
            Sse.Prefetch0(values);
        }
    }

    private void FindScales(AttentionTask task, int position, out float* keys, out float* values)
    {
        (int page, int place) = Math.DivRem(position, _layout.PageTokens);
        byte* scales = _pages.Address(_plan.PageTables[task.TableStart + page]) + (task.Head * _block.HeadBytes) + _block.ScaleOffset;
        keys = (float*)(scales + _block.KeyOffset) + place;
        values = (float*)(scales + _block.ValueOffset) + place;
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
    /// Finds the runs of a block of which the positions firstToken … count − 1 are seen. Runs that nobody sees may have no page; their
    /// scores are dropped, so any readable place will do.
    /// </summary>
    private void FindRuns<T>(AttentionTask task, int start, int firstToken, int count, byte** keys, byte** values)
        where T : struct, IElements
    {
        for (int run = 0; run < Runs; run++)
        {
            int token = Math.Clamp(run * Lanes.Count, firstToken, count - 1) & -Lanes.Count;
            FindRun<T>(task, start + token, out keys[run], out byte* found);
            if (values is not null)
            {
                values[run] = found;
            }
        }
    }

    /// <summary>
    /// Asks for runs to come into the cache. They are short and far apart, so the machine does not foresee them by itself.
    /// </summary>
    private static void Fetch(byte** runs, nint bytes)
    {
        if (Sse.IsSupported)
        {
            for (nint at = 0; at < bytes; at += AlignedMemory.Alignment)
            {
                Sse.Prefetch0(runs[0] + at);
                Sse.Prefetch0(runs[1] + at);
                Sse.Prefetch0(runs[2] + at);
                Sse.Prefetch0(runs[3] + at);
            }
        }
    }
}
