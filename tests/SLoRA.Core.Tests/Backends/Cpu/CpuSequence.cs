using SLoRA.Backends;
using SLoRA.Core.Tests.Backends.Gpu;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Core.Tests.Backends.Cpu;

/// <summary>One sequence of random queries, keys and values on the Cpu backend, to attend from any of its rows.</summary>
internal sealed class CpuSequence : IAttendedSequence, IDisposable
{
    private readonly Twin _twin;
    private readonly GroupedAttention _attention;
    private readonly KvLayout _layout;
    private readonly int[] _table;
    private readonly float[][] _inputs;
    private readonly DeviceRows _qkv;
    private readonly DeviceRows _y;
    private readonly DeviceRope _rope;

    /// <summary>Fills the cache.</summary>
    public CpuSequence(GroupedAttention attention, TensorType type, int length, int threads)
    {
        _twin = new Twin(length, length, threads: threads);
        _attention = attention;
        _layout = Layouts.For(type, 16, attention);
        _table = [.. Enumerable.Range(0, _layout.PagesFor(length)).Reverse()];
        _twin.AllocatePages(_layout, _table.Length);
        int width = (attention.Heads + (2 * attention.KeyValueHeads)) * attention.HeadDim;
        _inputs = [.. Enumerable.Range(0, length).Select(_ => _twin.Numbers(width))];
        _qkv = _twin.Cpu.CreateRows(RowSet.Step, width);
        _y = _twin.Cpu.CreateRows(RowSet.Step, attention.Heads * attention.HeadDim);
        _rope = _twin.Cpu.CreateRope(Layouts.Rope(attention));
        Begin(new Chunk(0, length));
    }

    /// <inheritdoc/>
    public float Replace(int position, int column, float number)
    {
        float before = _inputs[position][column];
        _inputs[position][column] = number;
        return before;
    }

    /// <inheritdoc/>
    public float[][] Attend(params ReadOnlySpan<Chunk> chunks)
    {
        Begin(chunks);
        _twin.Cpu.Attend(_qkv, 0, _attention, _y);
        return [.. Enumerable.Range(0, _twin.Plan.RowCount).Select(row => Twin.Read(_y, row))];
    }

    public void Dispose() => _twin.Dispose();

    /// <summary>Begins a step, and stores its rows.</summary>
    private void Begin(params ReadOnlySpan<Chunk> chunks)
    {
        _twin.Plan.Clear();
        foreach (Chunk chunk in chunks)
        {
            int first = _twin.Plan.AddSlice(new int[chunk.Count], chunk.First, _table.AsSpan(0, _layout.PagesFor(chunk.End)), 0);
            for (int i = 0; i < chunk.Count; i++)
            {
                Twin.Write(_qkv, first + i, _inputs[chunk.First + i]);
            }
        }

        _twin.Cpu.BeginStep(_twin.Plan);
        _twin.Cpu.RotateAndStore(_qkv, 0, _attention, _rope);
    }
}
