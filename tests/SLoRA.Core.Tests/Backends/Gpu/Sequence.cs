using SLoRA.Backends;
using SLoRA.Core.Tests.Backends.Cpu;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Gpu;

/// <summary>
/// One sequence of random queries, keys and values whose cache is filled through the Gpu backend, to attend from any of its rows in any
/// company.
/// </summary>
internal sealed class Sequence : IAttendedSequence
{
    private readonly GpuTwin _twin;
    private readonly GroupedAttention _attention;
    private readonly KvLayout _layout;
    private readonly int[] _table;
    private readonly float[][] _inputs;
    private readonly DeviceRows _qkv;
    private readonly DeviceRows _y;
    private readonly DeviceRope _rope;

    /// <summary>Fills the cache, at most <paramref name="rowLimit"/> rows at a time.</summary>
    public Sequence(GpuTwin twin, GroupedAttention attention, TensorType type, int length, int rowLimit)
    {
        _twin = twin;
        _attention = attention;
        int pageTokens = 1 << twin.Random.Next(6);
        _layout = Layouts.For(type, pageTokens, attention);
        _table = AttentionChecks.Tables(twin.Random, _layout, [length], out int pages)[0];
        twin.AllocatePages(type, pageTokens, pages, attention);
        AttentionChecks.FillPages(twin, pages);
        int width = (attention.Heads + (2 * attention.KeyValueHeads)) * attention.HeadDim;
        var numbers = new Random(length);
        _inputs =
            [.. Enumerable.Range(0, length).Select(_ => Enumerable.Range(0, width).Select(_ => numbers.NextSingle() - 0.5f).ToArray())];
        _qkv = twin.Gpu.CreateRows(RowSet.Step, width);
        _y = twin.Gpu.CreateRows(RowSet.Step, attention.Heads * attention.HeadDim);
        _rope = twin.Gpu.CreateRope(Layouts.Rope(attention));
        for (int first = 0; first < length; first += rowLimit)
        {
            Begin(new Chunk(first, Math.Min(rowLimit, length - first)));
        }
    }

    /// <inheritdoc/>
    public float[][] Attend(params ReadOnlySpan<Chunk> chunks) => Attend(_attention, chunks);

    /// <summary>The same as if the sequence's attention saw other positions.</summary>
    public float[][] Attend(GroupedAttention attention, params ReadOnlySpan<Chunk> chunks)
    {
        Begin(chunks);
        _twin.Gpu.Attend(_qkv, 0, attention, _y);
        return [.. Enumerable.Range(0, _twin.Plan.RowCount).Select(row => _twin.Read(_y, row))];
    }

    /// <inheritdoc/>
    public float Replace(int position, int column, float number)
    {
        float before = _inputs[position][column];
        _inputs[position][column] = number;
        return before;
    }

    /// <summary>Begins a step, and stores its rows: again the same bytes.</summary>
    private void Begin(params ReadOnlySpan<Chunk> chunks)
    {
        _twin.Plan.Clear();
        foreach (Chunk chunk in chunks)
        {
            int first = _twin.Plan.AddSlice(new int[chunk.Count], chunk.First, _table.AsSpan(0, _layout.PagesFor(chunk.End)), 0);
            for (int i = 0; i < chunk.Count; i++)
            {
                _twin.Write(_qkv, first + i, _inputs[chunk.First + i]);
            }
        }

        _twin.BeginStep();
        _twin.Gpu.RotateAndStore(_qkv, 0, _attention, _rope);
    }
}
