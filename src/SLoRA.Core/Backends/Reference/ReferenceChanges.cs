using SLoRA.Step;

namespace SLoRA.Backends.Reference;

/// <summary>
/// What generations do to modules besides adding B A, see <see cref="ModuleChange"/>: rows of weights in the place of the base's before
/// B A is added, factor and offset after it, for the rows of the work list and no others.
/// </summary>
internal static class ReferenceChanges
{
    /// <summary>Takes the entries of the embedding from the generations that have them.</summary>
    public static void Embed(StepPlan plan, int target, ReferencePageMemory pages, float[][] x)
    {
        foreach ((WorkChunk chunk, ModuleChange change) in Of(plan.Lora.Chunks, target))
        {
            float[,]? rows = ReferenceLora.Matrix(change.Rows, chunk.Adapter, pages);
            foreach (WorkEntry entry in plan.Lora.Entries.Slice(chunk.First, chunk.Count))
            {
                int row = change.RowOf(plan.Tokens[entry.Row]);
                for (int i = 0; row >= 0 && i < rows!.GetLength(1); i++)
                {
                    x[entry.Row][i] = rows[row, i];
                }
            }
        }
    }

    /// <summary>Computes the outputs whose rows of the weight the generations have: <c>y[id] = W'[id] · x</c>.</summary>
    public static void Product(StepPlan plan, int target, ReferencePageMemory pages, int[]? rowMap, float[][] x, float[][] y,
        int firstColumn)
    {
        foreach ((WorkChunk chunk, ModuleChange change) in Of(plan.Lora.Chunks, target))
        {
            float[,]? rows = ReferenceLora.Matrix(change.Rows, chunk.Adapter, pages);
            foreach (WorkEntry entry in plan.Lora.Entries.Slice(chunk.First, chunk.Count))
            {
                int row = rowMap is null ? entry.Row : rowMap[entry.Row];
                for (int n = 0; row >= 0 && n < rows?.GetLength(0); n++)
                {
                    float sum = 0;
                    for (int k = 0; k < rows.GetLength(1); k++)
                    {
                        sum = MathF.FusedMultiplyAdd(x[row][k], rows[n, k], sum);
                    }

                    y[row][firstColumn + (change.Ids.IsEmpty ? n : change.Ids[n])] = sum;
                }
            }
        }
    }

    /// <summary><c>y = f ∘ y + weight · o</c>, for the chunks of one pass.</summary>
    public static void Sum(StepPlan plan, int pass, int target, ReferencePageMemory pages, int[]? rowMap, float[][] y, int firstColumn)
    {
        (int first, int end) = plan.Lora.ChunksOf(pass);
        foreach ((WorkChunk chunk, ModuleChange change) in Of(plan.Lora.Chunks[first..end], target))
        {
            float[,]? factor = ReferenceLora.Matrix(change.Factor, chunk.Adapter, pages);
            float[,]? offset = ReferenceLora.Matrix(change.Offset, chunk.Adapter, pages);
            foreach (WorkEntry entry in plan.Lora.Entries.Slice(chunk.First, chunk.Count))
            {
                int row = rowMap is null ? entry.Row : rowMap[entry.Row];
                if (row < 0)
                {
                    continue;
                }

                for (int n = 0; n < factor?.Length; n++)
                {
                    y[row][firstColumn + n] *= factor[0, n];
                }

                for (int n = 0; n < offset?.Length; n++)
                {
                    y[row][firstColumn + n] += entry.Weight * offset[0, n];
                }
            }
        }
    }

    /// <summary>
    /// The weights of a norm that generations have in the place of the base's, by row of the operand; null where they have none.
    /// </summary>
    public static float[]?[]? NormWeights(StepPlan plan, int target, ReferencePageMemory pages, int[]? rowMap)
    {
        if (!plan.Lora.Changes(target))
        {
            return null;
        }

        var weights = new float[]?[plan.RowCount];
        foreach ((WorkChunk chunk, ModuleChange change) in Of(plan.Lora.Chunks, target))
        {
            float[,]? weight = ReferenceLora.Matrix(change.Rows, chunk.Adapter, pages);
            foreach (WorkEntry entry in plan.Lora.Entries.Slice(chunk.First, chunk.Count))
            {
                int row = rowMap is null ? entry.Row : rowMap[entry.Row];
                if (row >= 0 && weight is not null)
                {
                    weights[row] = [.. weight.Cast<float>()];
                }
            }
        }

        return weights;
    }

    private static List<(WorkChunk Chunk, ModuleChange Change)> Of(ReadOnlySpan<WorkChunk> chunks, int target)
    {
        List<(WorkChunk, ModuleChange)> found = [];
        foreach (WorkChunk chunk in chunks)
        {
            if (chunk.Adapter.Directory.ChangeOf(target) is { } change)
            {
                found.Add((chunk, change));
            }
        }

        return found;
    }
}
