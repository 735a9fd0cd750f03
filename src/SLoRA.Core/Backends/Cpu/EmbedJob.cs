using System.Runtime.Intrinsics;
using SLoRA.Formats;

namespace SLoRA.Backends.Cpu;

/// <summary><c>x[t] = E[token(t)]</c>, widened to fp32.</summary>
internal sealed unsafe class EmbedJob(int workers) : RowJob(workers)
{
    private CpuTable _table = null!;
    private CpuRows _x = null!;
    private int[] _tokens = [];

    /// <summary>Sets the next look-up and says in how many parts it comes.</summary>
    public int Prepare(CpuTable table, ReadOnlySpan<int> tokens, CpuRows x)
    {
        _table = table;
        _x = x;
        if (_tokens.Length < tokens.Length)
        {
            _tokens = new int[Math.Max(tokens.Length, 2 * _tokens.Length)];
        }

        tokens.CopyTo(_tokens);
        return Prepare(tokens.Length, x.Width);
    }

    /// <inheritdoc/>
    protected override void ExecuteRow(int row)
    {
        byte* entry = _table.Entry(_tokens[row]);
        switch (_table.Type)
        {
            case TensorType.F32:
                Widen<F32Elements>(entry, _x.Row(row));
                break;
            case TensorType.F16:
                Widen<F16Elements>(entry, _x.Row(row));
                break;
            case TensorType.BF16:
                Widen<Bf16Elements>(entry, _x.Row(row));
                break;
            default:
                throw UnservedType.Error(_table.Type);
        }
    }

    private void Widen<T>(byte* source, float* destination)
        where T : struct, IElements
    {
        int width = _table.Width;
        int i = 0;
        for (; i + Lanes.Count <= width; i += Lanes.Count)
        {
            T.Load16(source + (i * T.Size)).Store(destination + i);
        }

        for (; i < width; i++)
        {
            destination[i] = T.Load(source + (i * T.Size));
        }
    }
}
