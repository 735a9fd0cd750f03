using System.CommandLine;
using System.Globalization;
using SLoRA.Backends;
using SLoRA.Backends.Cpu;
using SLoRA.Formats;
using SLoRA.Formats.Blocks;

namespace SLoRA.Core.Bench;

/// <summary>How fast weights are packed at load: 10⁹ bytes as stored, per second and thread.</summary>
internal static class PackingBench
{
    private static readonly WeightFormat[] _blocks =
    [
        WeightFormat.Q8_0, BlockFormats.Q4_0, BlockFormats.Q4_1, BlockFormats.Q5_0, BlockFormats.Q5_1, BlockFormats.Q2K, BlockFormats.Q3K,
        BlockFormats.Q4K, BlockFormats.Q5K, BlockFormats.Q6K, BlockFormats.Iq4Nl, BlockFormats.Iq4Xs, ZeroedFormat.Halves,
    ];

    /// <summary>Makes the command <c>packing</c>.</summary>
    public static Command Create()
    {
        Argument<string> shape = OperatorCommands.ShapeArgument();
        Argument<string> type = BaseWeights.Argument();
        var blocks = new Option<bool>("--blocks") { Description = "The formats of GGUF files and others of few bits, all of them." };
        var threads = new Option<int>("--threads") { Description = "Threads.", DefaultValueFactory = _ => 1 };
        var again = new Option<bool>("--again")
        {
            Description = "Into the same memory again and again, by one thread: what computing takes.",
        };
        var command = new Command("packing", "How fast weights are packed when a model is loaded.")
        {
            shape, type, blocks, threads, again,
        };
        command.SetAction(options =>
        {
            Shape model = Shape.Find(options.GetValue(shape)!)!;
            BaseWeights weights = BaseWeights.Find(options.GetValue(type)!);
            int count = options.GetValue(again) ? 0 : options.GetValue(threads);
            if (!options.GetValue(blocks))
            {
                Print(weights.Name, weights.Stored.ToString(), Measure(model, weights, count));
                return;
            }

            foreach (WeightFormat format in _blocks)
            {
                Print(format.Name, "the file", Measure(model, format, count));
            }
        });
        return command;
    }

    /// <summary>Packs a matrix of a feed-forward block, from memory that is there already, into memory that is new each time.</summary>
    /// <param name="shape">The model's.</param>
    /// <param name="type">The weights.</param>
    /// <param name="threads">Threads; 0 for one that packs into the same memory each time.</param>
    /// <returns>10⁹ bytes as stored, per second and thread.</returns>
    public static double Measure(Shape shape, BaseWeights type, int threads)
    {
        using var weights = new RandomWeights(type.Stored, (long)shape.Hidden * shape.Intermediate);
        return Measure(weights.Next(shape.Intermediate, shape.Hidden), type.Kept, type.Precision, threads, TimeSpan.FromSeconds(1));
    }

    private static unsafe double Measure(Shape shape, WeightFormat format, int threads)
    {
        // Rows of whole blocks.
        int columns = (shape.Hidden + format.BlockElements - 1) / format.BlockElements * format.BlockElements;
        var source = new WeightSource("random", format, 0, shape.Intermediate, columns);
        using var memory = new AlignedMemory(source.Bytes);
        new RandomBlocks(format, 1).Fill(new Span<byte>(memory.Address, checked((int)source.Bytes)));
        return Measure(
            source.At((nint)memory.Address), CpuWeights.AsStored, CpuPrecision.Automatic, threads, TimeSpan.FromSeconds(0.5));
    }

    private static unsafe double Measure(WeightSource weight, CpuWeights kept, CpuPrecision precision, int threads, TimeSpan least)
    {
        const int copies = 16;
        if (threads == 0)
        {
            CpuFormat format = CpuFormats.Of(weight, kept, precision);
            using var memory = new AlignedMemory(CpuMatrix.BytesFor(weight.Rows, weight.Columns, format.Packing));
            var matrix = new CpuMatrix(weight.Rows, weight.Columns, format.Packing, memory.Address);
            PackJob job = format.Pack(weight, matrix, 1);
            return Ceilings.Best(least, () => job.Execute(0, 0), weight.Bytes) / 1e9;
        }

        return Ceilings.Best(
            least,
            () =>
            {
                using var backend = new CpuBackend(1, 1, threads, kept, precision: precision);
                for (int i = 0; i < copies; i++)
                {
                    backend.LoadMatrix(weight);
                }
            },
            copies * (double)weight.Bytes) / threads / 1e9;
    }

    private static void Print(string name, string of, double speed) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"{name}: {speed:F2} GB/s of {of} per thread, {InstructionSets.VectorBits} bits"));
}
