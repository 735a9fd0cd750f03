namespace SLoRA.Core.Bench;

/// <summary>
/// The operations and bytes that a decoder cannot do without, and the time that they take at a machine's limits: weights once per step, of
/// experts those that rows are likely to choose; keys and values once per sequence, each adapter once per step; two operations per
/// multiply-add.
/// </summary>
/// <param name="shape">The decoder.</param>
/// <param name="weights">Its weights.</param>
internal sealed class CountedWork(Shape shape, BaseWeights weights)
{
    private const int ElementBytes = 2;

    private double LayerWeights => shape.Products().Where(product => product.Name != "head").Sum(Weights);

    private double HeadWeights => shape.Products().Where(product => product.Name == "head").Sum(Weights);

    /// <summary>Weights of one expert of every layer; 0 where there are none.</summary>
    private double ExpertWeights => shape.Experts == 0 ? 0 : 3.0 * shape.Layers * shape.Hidden * shape.Intermediate;

    /// <summary>Bytes of the weights that a step of so many rows reads.</summary>
    public double WeightBytes(int rows) => weights.File is { } file
        ? file.BytesOf(shape)
        : (LayerWeights + HeadWeights + (ExpertWeights * ChosenExperts(rows))) * weights.Bytes;

    /// <summary>Experts of a layer that some row has chosen, if all are equally likely.</summary>
    private double ChosenExperts(int rows) =>
        shape.Experts == 0 ? 0 : shape.Experts * (1 - Math.Pow(1 - ((double)shape.Chosen / shape.Experts), rows));

    /// <summary>Elements of an adapter of a rank on q, k, v and o, or on all linear modules.</summary>
    public double AdapterElements(int rank, bool isOnAll = false)
    {
        double mlp = isOnAll ? 3 * (shape.Hidden + shape.Intermediate) : 0;
        double queries = shape.Heads * shape.HeadDim;
        double keys = shape.KeyValueHeads * shape.HeadDim;
        return rank * shape.Layers * ((3 * shape.Hidden) + queries + (2 * keys) + queries + shape.Hidden + mlp);
    }

    /// <summary>Seconds of a step at the limits.</summary>
    /// <param name="limits">The machine.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="outputs">Rows whose logits are wanted.</param>
    /// <param name="sequences">Sequences that the rows are of.</param>
    /// <param name="context">Positions that a row sees, on average.</param>
    /// <param name="adapters">Elements of the adapter of each sequence; empty for the base.</param>
    public double Seconds(MachineLimits limits, int rows, int outputs, int sequences, double context, IReadOnlyList<double> adapters)
    {
        double products = 2 * (((LayerWeights + (ExpertWeights * shape.Chosen)) * rows) + (HeadWeights * outputs));
        double attention = 4.0 * shape.Layers * shape.Heads * shape.HeadDim * context * rows;
        double elements = adapters.Sum();
        double lora = adapters.Count == 0 ? 0 : 2 * elements * rows / adapters.Count;
        double bytes = Bytes(rows, sequences, context, adapters);
        double productSpeed = weights.IsQuantized ? limits.Integers : limits.Floats;
        return Math.Max(bytes / limits.Bytes, (products / productSpeed) + ((attention + lora) / limits.Floats));
    }

    /// <summary>Bytes that a step reads: weights, keys and values, adapters.</summary>
    /// <param name="rows">Rows.</param>
    /// <param name="sequences">Sequences that the rows are of.</param>
    /// <param name="context">Positions that a row sees, on average.</param>
    /// <param name="adapters">Elements of the adapter of each sequence; empty for the base.</param>
    public double Bytes(int rows, int sequences, double context, IReadOnlyList<double> adapters)
    {
        double keys = 2.0 * shape.Layers * shape.KeyValueHeads * shape.HeadDim * ElementBytes * context * sequences;
        return WeightBytes(rows) + keys + (adapters.Sum() * ElementBytes);
    }

    private static double Weights((string Name, int Inputs, int[] Outputs, int Count) product)
        => (double)product.Inputs * product.Outputs.Sum() * product.Count;
}
