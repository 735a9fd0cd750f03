using System.CommandLine;
using System.Globalization;
using SLoRA.Backends.Cpu;

namespace SLoRA.Core.Bench;

/// <summary>How fast weights are packed at load: 10⁹ bytes as stored, per second and thread.</summary>
internal static class PackingBench
{
    /// <summary>Makes the command <c>packing</c>.</summary>
    public static Command Create()
    {
        Argument<string> shape = OperatorCommands.ShapeArgument();
        Argument<string> type = BaseWeights.Argument();
        var threads = new Option<int>("--threads") { Description = "Threads.", DefaultValueFactory = _ => 1 };
        var command = new Command("packing", "How fast weights are packed when a model is loaded.") { shape, type, threads };
        command.SetAction(options =>
        {
            BaseWeights weights = BaseWeights.Find(options.GetValue(type)!);
            double speed = Measure(Shape.Find(options.GetValue(shape)!)!, weights, options.GetValue(threads));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{weights.Name}: {speed:F2} GB/s of {weights.Stored} per thread, {InstructionSets.VectorBits} bits"));
        });
        return command;
    }

    /// <summary>Packs a matrix of a feed-forward block, from memory that is there already, into memory that is new each time.</summary>
    public static double Measure(Shape shape, BaseWeights type, int threads)
    {
        const int copies = 16;
        using var weights = new RandomWeights(type.Stored, (long)shape.Hidden * shape.Intermediate);
        double bytes = weights.Next(shape.Intermediate, shape.Hidden).Bytes;
        return Ceilings.Best(
            TimeSpan.FromSeconds(1),
            () =>
            {
                using var backend = new CpuBackend(1, 1, threads, type.Kept, precision: type.Precision);
                for (int i = 0; i < copies; i++)
                {
                    backend.LoadMatrix(weights.Next(shape.Intermediate, shape.Hidden));
                }
            },
            copies * bytes) / threads / 1e9;
    }
}
