using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Backends.Reference;

/// <summary>
/// Shrink and expand over the work list: <c>v = x Aᵀ</c> down to rank r, <c>y += (weight · scale) · (v Bᵀ)</c> up again, chunk by chunk,
/// entry by entry. Weights are found through the tile directory.
/// </summary>
internal static unsafe class ReferenceLora
{
    /// <summary>Adds the deltas of one linear module.</summary>
    /// <param name="plan">The step.</param>
    /// <param name="pass">Which of the work list's passes.</param>
    /// <param name="target">The module.</param>
    /// <param name="pages">Where the tiles are.</param>
    /// <param name="rowMap">Step row → row of x and y, -1 for rows that they lack; null for the same rows.</param>
    /// <param name="x"><c>[T or O, in]</c>.</param>
    /// <param name="y"><c>[T or O, …]</c>.</param>
    /// <param name="firstColumn">First column of the module in y.</param>
    public static void Linear(
        StepPlan plan, int pass, int target, ReferencePageMemory pages, int[]? rowMap, float[][] x, float[][] y, int firstColumn)
    {
        (int first, int end) = plan.Lora.ChunksOf(pass);
        foreach (WorkChunk chunk in plan.Lora.Chunks[first..end])
        {
            if (chunk.Adapter.Directory.Modules[target] is not { } module)
            {
                continue;
            }

            float[,] a = Matrix(module.A, chunk.Adapter, pages)!;
            float[,] b = Matrix(module.B, chunk.Adapter, pages)!;
            foreach (WorkEntry entry in plan.Lora.Entries.Slice(chunk.First, chunk.Count))
            {
                int row = rowMap is null ? entry.Row : rowMap[entry.Row];
                if (row < 0)
                {
                    continue;
                }

                Expand(Shrink(x[row], a), b, entry.Weight * module.Scale, y[row].AsSpan(firstColumn));
            }
        }
    }

    /// <summary>Adds the deltas of a product of experts to routed rows, x <c>[T · k, in]</c>, y <c>[T · k, …]</c>.</summary>
    public static void Experts(
        StepPlan plan, ImmutableArray<ExpertTargets> targets, ReferenceRoutes routes, ReferencePageMemory pages, float[][] x, float[][] y)
    {
        foreach (WorkChunk chunk in plan.Lora.Chunks)
        {
            foreach (WorkEntry entry in plan.Lora.Entries.Slice(chunk.First, chunk.Count))
            {
                for (int choice = entry.Row * routes.Chosen; choice < (entry.Row + 1) * routes.Chosen; choice++)
                {
                    foreach (ExpertTargets target in targets)
                    {
                        if (chunk.Adapter.Directory.Modules[target.FirstTarget + routes.Expert[choice]] is { } module)
                        {
                            int row = routes.RowOf[choice];
                            float[] v = Shrink(x[row], Matrix(module.A, chunk.Adapter, pages)!);
                            Expand(
                                v, Matrix(module.B, chunk.Adapter, pages)!, entry.Weight * module.Scale, y[row].AsSpan(target.FirstColumn));
                        }
                    }
                }
            }
        }
    }

    /// <summary>Adds the deltas of the embedding in one pass: v is the token's column of A.</summary>
    public static void Embed(StepPlan plan, int pass, int target, ReferencePageMemory pages, float[][] x)
    {
        (int first, int end) = plan.Lora.ChunksOf(pass);
        foreach (WorkChunk chunk in plan.Lora.Chunks[first..end])
        {
            if (chunk.Adapter.Directory.Modules[target] is not { } module)
            {
                continue;
            }

            float[,] a = Matrix(module.A, chunk.Adapter, pages)!;
            float[,] b = Matrix(module.B, chunk.Adapter, pages)!;
            foreach (WorkEntry entry in plan.Lora.Entries.Slice(chunk.First, chunk.Count))
            {
                var v = new float[module.Rank];
                for (int r = 0; r < module.Rank; r++)
                {
                    v[r] = a[r, plan.Tokens[entry.Row]];
                }

                Expand(v, b, entry.Weight * module.Scale, x[entry.Row]);
            }
        }
    }

    private static float[] Shrink(float[] x, float[,] a)
    {
        var v = new float[a.GetLength(0)];
        for (int r = 0; r < v.Length; r++)
        {
            for (int k = 0; k < a.GetLength(1); k++)
            {
                v[r] = MathF.FusedMultiplyAdd(x[k], a[r, k], v[r]);
            }
        }

        return v;
    }

    private static void Expand(float[] v, float[,] b, float scale, Span<float> y)
    {
        for (int n = 0; n < b.GetLength(1); n++)
        {
            float delta = 0;
            for (int r = 0; r < v.Length; r++)
            {
                delta = MathF.FusedMultiplyAdd(v[r], b[r, n], delta);
            }

            y[n] += scale * delta;
        }
    }

    /// <summary>A matrix out of the pages; null for none.</summary>
    public static float[,]? Matrix(MatrixTiles? tiles, ResidentAdapter adapter, ReferencePageMemory pages)
    {
        if (tiles is null)
        {
            return null;
        }

        var matrix = new float[tiles.Rows, tiles.Columns];
        foreach (Tile tile in tiles.Tiles)
        {
            byte* data = pages.Page(adapter.Pages[tile.Page]) + tile.Offset;
            for (int r = 0; r < tile.Rows; r++)
            {
                for (int c = 0; c < tile.Columns; c++)
                {
                    matrix[tile.FirstRow + r, tile.FirstColumn + c] = Elements.Read(tiles.Type, data, ((long)r * tile.Columns) + c);
                }
            }
        }

        return matrix;
    }
}
