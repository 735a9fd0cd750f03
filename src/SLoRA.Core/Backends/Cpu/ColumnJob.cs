using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <summary>
/// <c>v[e, r] = A[r, token(e)]</c> for every product of a <see cref="LoraWork"/>: the shrink of an embedding, whose input is one-hot.
/// </summary>
internal sealed unsafe class ColumnJob : ComputeJob
{
    private LoraWork _work = null!;
    private CpuPageMemory _pages = null!;
    private int[] _tokens = [];
    private int _first;

    /// <summary>Sets the next look-up and says in how many parts it comes.</summary>
    /// <param name="work">The work.</param>
    /// <param name="pages">Where the tiles are.</param>
    /// <param name="tokens">Token per row. What A has no column for is left as it is.</param>
    /// <param name="first">The token of the first column of A.</param>
    public int Prepare(LoraWork work, CpuPageMemory pages, ReadOnlySpan<int> tokens, int first)
    {
        _first = first;
        _work = work;
        _pages = pages;
        if (_tokens.Length < tokens.Length)
        {
            _tokens = new int[Math.Max(tokens.Length, 2 * _tokens.Length)];
        }

        tokens.CopyTo(_tokens);
        return work.Products.Length;
    }

    /// <inheritdoc/>
    public override void Execute(int part, int worker)
    {
        LoraProduct product = _work.Products[part];
        switch (product.Tiles.A.Type)
        {
            case TensorType.F32:
                Gather<F32Elements>(product);
                break;
            case TensorType.F16:
                Gather<F16Elements>(product);
                break;
            case TensorType.BF16:
                Gather<Bf16Elements>(product);
                break;
            default:
                throw UnservedType.Error(product.Tiles.A.Type);
        }
    }

    private void Gather<T>(in LoraProduct product)
        where T : struct, IElements
    {
        ReadOnlySpan<int> rows = _work.Entries.Rows.Slice(product.FirstEntry, product.Count);
        float* v = _work.Shrunk + product.Shrunk;
        foreach (Tile tile in product.Tiles.A.Tiles)
        {
            byte* a = _pages.Address(product.Adapter.Pages[tile.Page]) + tile.Offset;
            for (int e = 0; e < rows.Length; e++)
            {
                int column = _tokens[rows[e]] - _first - tile.FirstColumn;
                if (column < 0 || column >= tile.Columns)
                {
                    continue;
                }

                for (int r = 0; r < tile.Rows; r++)
                {
                    v[((nint)e * product.Tiles.Rank) + tile.FirstRow + r] = T.Load(a + ((((nint)r * tile.Columns) + column) * T.Size));
                }
            }
        }
    }
}
