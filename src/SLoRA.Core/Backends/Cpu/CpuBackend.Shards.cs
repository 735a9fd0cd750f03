using SLoRA.Backends.Sharded;
using SLoRA.Step;

namespace SLoRA.Backends.Cpu;

/// <content>What one of several shards does otherwise than the one device: sums of which it has a part.</content>
internal sealed unsafe partial class CpuBackend
{
    /// <summary>
    /// A product of whose inputs every shard has some: sums are added up, each shard's columns by itself, get their bias and their deltas
    /// there, and are brought together.
    /// </summary>
    private void SumShared(CpuShard shard, LinearGroup group, CpuRows x, CpuRows y, bool adapted)
    {
        int rows = RowCount(x);
        CpuRows parts = shard.Parts(y.Rows, y.Width);
        Run(_product, _product.Prepare(group, x, _quantized, parts, rows, null, withBias: false));
        bool changed = _lora.HasChanges && _lora.GatherChanges(group, x.Rows, 0);
        bool hasRows = changed && _lora.Changes.HasRows;
        if (hasRows)
        {
            Run(_changedRows, _changedRows.Prepare(_lora.Changes.Products, x, PageMemory));
        }

        shard.Reduce(
            parts, rows, (CpuVector?)group.Parts[0].Bias, adapted ? _lora.Work : null, hasRows ? _lora.Changes.Products : null);
        if (hasRows)
        {
            Run(_change, _change.PrepareRows(_lora.Changes, parts, PageMemory));
        }

        for (int pass = 0; pass < _lora.Passes; pass++)
        {
            if (pass > 0 && (adapted = _lora.Gather(group, x.Rows, pass)))
            {
                Run(_shrink, _shrink.Prepare(_lora.Work, x, PageMemory));
                shard.ReduceRanks(_lora.Work);
            }

            if (adapted)
            {
                shard.GatherRanks(_lora.Work);
                Run(_expand, _expand.Prepare(_lora.Work, parts, PageMemory));
            }

            if (pass > 0 ? _lora.GatherChanges(group, x.Rows, pass) : changed)
            {
                Run(_change, _change.PrepareSums(_lora.Changes, parts, PageMemory));
            }
        }

        shard.Gather(parts, rows, y);
    }

    /// <summary>A look-up in a table of which every shard has some entries; deltas are added as to a sum.</summary>
    private void EmbedShared(CpuShard shard, CpuTable table, int target, CpuRows x)
    {
        ICollective collective = shard.Collective;
        Split split = table.Split ?? throw new InvalidOperationException("The table is not cut over shards.");
        (int first, _) = split.Of(collective.Shard, collective.Shards);
        CpuRows looked = shard.Parts(x.Rows, x.Width);
        Run(_embed, _embed.Prepare(table, Plan.Tokens, first, looked));
        if (_lora.HasChanges && _lora.GatherEmbeddingChanges(target, 0, x.Width, first))
        {
            Run(_change, _change.PrepareRows(_lora.Changes, looked, PageMemory));
        }

        bool adapted = _lora.GatherEmbedding(target, 0);
        if (!adapted && _lora.Passes == 1)
        {
            shard.GatherEntries(split, Plan.Tokens, looked, x, null);
            return;
        }

        CpuRows parts = shard.Parts(x.Rows, x.Width);
        for (int pass = 0; pass < _lora.Passes; pass++)
        {
            adapted = pass == 0 ? adapted : _lora.GatherEmbedding(target, pass);
            if (adapted)
            {
                Run(_column, _column.Prepare(_lora.Work, PageMemory, Plan.Tokens, first));
            }

            if (pass == 0 || adapted)
            {
                shard.GatherEntries(split, Plan.Tokens, pass == 0 ? looked : null, parts, adapted ? _lora.Work : null);
            }

            if (adapted)
            {
                Run(_expand, _expand.Prepare(_lora.Work, parts, PageMemory));
            }

            if (_lora.HasChanges && _lora.GatherEmbeddingChanges(target, pass, x.Width, first, isShare: true))
            {
                Run(_change, _change.PrepareSums(_lora.Changes, parts, PageMemory));
            }
        }

        shard.Gather(parts, Plan.RowCount, x);
    }

    /// <summary>One norm over several heads, of which a shard has some.</summary>
    private void NormTogether(CpuRows x, int firstColumn, CpuVector weight, Split heads, float epsilon)
    {
        int rows = RowCount(x);
        int headDim = heads.UnitColumns;
        int all = heads.Columns / headDim;
        if (_shard is not { } shard)
        {
            Run(_headsNorm, _headsNorm.Prepare(
                x, firstColumn, headDim, weight, epsilon, OwnWeights(x, weight), Squares(x.Rows, all), rows));
            return;
        }

        CpuRows squares = shard.Parts(x.Rows, all);
        int firstHead = heads.Of(shard.Collective.Shard, shard.Collective.Shards).First / headDim;
        Run(_headsNorm, _headsNorm.PrepareSums(x, firstColumn, weight.Length / headDim, headDim, firstHead, squares, rows));
        shard.GatherHeads(squares, rows, heads);
        Run(_headsNorm, _headsNorm.PrepareNorm(weight, epsilon, OwnWeights(x, weight), rows));
    }

    private CpuRows Squares(RowSet rows, int heads)
    {
        foreach (CpuRows squares in _squares)
        {
            if (squares.Rows == rows && squares.Width == heads)
            {
                return squares;
            }
        }

        _squares.Add(NewRows(rows, heads));
        return _squares[^1];
    }
}
