using System.Collections.Immutable;
using SLoRA.Formats;
using SLoRA.Step;

namespace SLoRA.Backends;

/// <summary>Which rows an activation has: all rows of the step, or only those whose logits are wanted.</summary>
internal enum RowSet
{
    /// <summary>Row i is row i of the step plan.</summary>
    Step,

    /// <summary>Row i is the i-th output row of the step plan.</summary>
    Output,

    /// <summary>Each row of the step once for each expert that it has chosen, in the order of <see cref="DeviceRoutes"/>.</summary>
    Routed,
}

/// <summary>fp32 rows of one width in device memory, <c>[rows, Width]</c>. Made by a backend, understood only by it.</summary>
internal abstract class DeviceRows(RowSet rows, int width, int copies = 1)
{
    /// <summary>Which rows these are.</summary>
    public RowSet Rows { get; } = rows;

    /// <summary>Rows for each row of the step: the experts that a row chooses for <see cref="RowSet.Routed"/>, else 1.</summary>
    public int Copies { get; } = copies;

    /// <summary>Columns.</summary>
    public int Width { get; } = width;
}

/// <summary>A base weight <c>[Outputs, Inputs]</c> in device memory, in a form of the device's own.</summary>
internal abstract class DeviceMatrix(int outputs, int inputs)
{
    /// <summary>Rows of the matrix: what the product gives.</summary>
    public int Outputs { get; } = outputs;

    /// <summary>Columns of the matrix: what the product takes.</summary>
    public int Inputs { get; } = inputs;
}

/// <summary>An embedding table <c>[Entries, Width]</c> in device memory, in its stored format.</summary>
internal abstract class DeviceTable(int entries, int width)
{
    /// <summary>Tokens.</summary>
    public int Entries { get; } = entries;

    /// <summary>Columns.</summary>
    public int Width { get; } = width;
}

/// <summary>An fp32 vector in device memory: a norm's weight or a bias.</summary>
internal abstract class DeviceVector(int length, int target = WeightSource.NoTarget)
{
    /// <summary>The index of the norm whose weight it is, by which adapters have their own; <see cref="WeightSource.NoTarget"/> of others.
    /// </summary>
    public int Target { get; } = target;

    /// <summary>Elements.</summary>
    public int Length { get; } = length;
}

/// <summary>A rotary embedding: the backend keeps the cosines and sines of the current step's positions.</summary>
internal abstract class DeviceRope;

/// <summary>
/// One weight of a checkpoint, row-major <c>[Rows, Columns]</c>; the memory is the caller's. Where it is not there yet, it is read when it
/// is first looked at, so that a device which has made its own of the weight before need not read it.
/// </summary>
/// <param name="Name">The tensor's name, for messages.</param>
/// <param name="Format">How its elements lie: every row is a whole number of blocks.</param>
/// <param name="Data">Address of the first block; its alignment is that of a byte.</param>
/// <param name="Rows">Rows; 1 for a vector.</param>
/// <param name="Columns">Columns.</param>
internal readonly unsafe record struct WeightSource(string Name, WeightFormat Format, nint Data, int Rows, int Columns)
{
    /// <summary>What stands for no module.</summary>
    public const int NoTarget = -1;

    /// <summary>A weight that is read when it is first looked at.</summary>
    /// <param name="name">The tensor's name.</param>
    /// <param name="format">How its elements lie.</param>
    /// <param name="read">Gives the address of the first block; its memory stays for as long as the weight may be looked at.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="columns">Columns.</param>
    public WeightSource(string name, WeightFormat format, Func<nint> read, int rows, int columns)
        : this(name, format, 0, rows, columns)
    {
        Late = new Lazy<nint>(read);
        Stays = false;
    }

    /// <inheritdoc cref="WeightSource(string, WeightFormat, nint, int, int)" path="/param[@name='Data']"/>
    public nint Data => Late is null ? Begin : Late.Value + Begin;

    /// <summary>For the weight of a norm its index among the modules that adapters know.</summary>
    public int Target { get; init; } = NoTarget;

    /// <summary>
    /// Whether the memory stays valid for as long as the engine lives; otherwise only during the call that it is given to.
    /// </summary>
    public bool Stays { get; init; } = true;

    /// <summary>The format that it is stored in, where it was widened to <see cref="Format"/>; null where it was not.</summary>
    public WeightFormat? WidenedFrom { get; init; }

    /// <summary>Whether its products are logits, which show every rounding.</summary>
    public bool GivesLogits { get; init; }

    /// <summary>
    /// How it is cut over shards; null where every shard has all of it, such as the weight of a norm.
    /// </summary>
    public Partition? Partition { get; init; }

    /// <summary>Bytes of a row.</summary>
    public long RowBytes => Format.BytesOf(Columns);

    /// <summary>Bytes of the weight.</summary>
    public long Bytes => Rows * RowBytes;

    /// <summary>Where its memory begins; behind the address that is read, for as long as there is one to be read.</summary>
    private nint Begin { get; init; } = Data;

    private Lazy<nint>? Late { get; init; }

    /// <summary>Some of its rows, without looking at them.</summary>
    public WeightSource Slice(string name, long first, int count) =>
        this with { Name = name, Begin = Begin + (nint)(first * RowBytes), Rows = count };

    /// <summary>The same weight, or a part of it, made when it is first looked at.</summary>
    public WeightSource Made(int rows, int columns, Func<nint> make) =>
        this with { Rows = rows, Columns = columns, Begin = 0, Late = new Lazy<nint>(make), Stays = false };

    /// <summary>The same weight in other memory.</summary>
    public WeightSource At(nint address) => this with { Begin = address, Late = null };

    /// <summary>The same, read: whoever shares it out to threads has it read once, by one of them.</summary>
    public WeightSource InMemory() => At(Data);

    /// <summary>The blocks of a row.</summary>
    public ReadOnlySpan<byte> Row(int row) => new((byte*)Data + (row * RowBytes), checked((int)RowBytes));

    /// <summary>Widens all elements to fp32, row by row.</summary>
    public float[] Widened()
    {
        var values = new float[checked(Rows * Columns)];
        for (int row = 0; row < Rows; row++)
        {
            Format.Widen(Row(row), values.AsSpan(row * Columns, Columns));
        }

        return values;
    }
}

/// <summary>One of several products that share their input.</summary>
/// <param name="Weight">The base weight.</param>
/// <param name="Bias">What is added to every row, or null.</param>
/// <param name="Target">Index of the module among the model's target modules: adapters look up their tiles by it.</param>
internal sealed record LinearPart(DeviceMatrix Weight, DeviceVector? Bias, int Target);

/// <summary>
/// Products that share their input, such as q, k, v: <c>y = [x W₀ᵀ + b₀ | x W₁ᵀ + b₁ | …]</c>, side by side in one output.
/// </summary>
internal sealed class LinearGroup
{
    private readonly ImmutableArray<int> _whole;

    /// <summary>Groups parts.</summary>
    public LinearGroup(params ImmutableArray<LinearPart> parts)
    {
        Parts = parts;
        Inputs = parts[0].Weight.Inputs;
        var offsets = ImmutableArray.CreateBuilder<int>(parts.Length);
        foreach (LinearPart part in parts)
        {
            offsets.Add(Outputs);
            Outputs += part.Weight.Outputs;
        }

        Offsets = offsets.MoveToImmutable();
        _whole = [0, Inputs];
        InputBorders = _whole;
    }

    /// <summary>Groups parts that are cut over shards in one way.</summary>
    /// <param name="parts">The parts.</param>
    /// <param name="partition">How; null if every shard has all of them.</param>
    public static LinearGroup Of(ImmutableArray<LinearPart> parts, Partition? partition) => new(parts)
    {
        Partition = partition,
        InputBorders = partition is { Axis: PartitionAxis.Columns } inputs
            ? [.. inputs.Split.BordersOf(0, 1)]
            : [0, parts[0].Weight.Inputs],
    };

    /// <summary>The parts, in output order.</summary>
    public ImmutableArray<LinearPart> Parts { get; }

    /// <summary>First output column of each part.</summary>
    public ImmutableArray<int> Offsets { get; }

    /// <summary>Input columns.</summary>
    public int Inputs { get; }

    /// <summary>Output columns of all parts together.</summary>
    public int Outputs { get; }

    /// <summary>How the weights are cut over shards; null if every shard has them all.</summary>
    public Partition? Partition { get; init; }

    /// <summary>
    /// Where the leaves of the sums over the inputs begin, and the end of the inputs: each leaf is summed by itself, and the leaves, a
    /// power of two, are added as a balanced tree.
    /// </summary>
    public ImmutableArray<int> InputBorders { get; init; }

    /// <summary>
    /// The same for weights whose inputs come in groups of so many, 0 for such that do not: one leaf, unless each is whole groups.
    /// </summary>
    public ImmutableArray<int> BordersFor(int groupInputs)
    {
        if (groupInputs == 0)
        {
            return InputBorders;
        }

        for (int leaf = 1; leaf < InputBorders.Length - 1; leaf++)
        {
            if (InputBorders[leaf] % groupInputs != 0)
            {
                return _whole;
            }
        }

        return InputBorders;
    }
}
