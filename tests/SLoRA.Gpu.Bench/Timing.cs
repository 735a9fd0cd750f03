using System.Globalization;

namespace SLoRA.Gpu.Bench;

/// <summary>What one kernel, or one step, took.</summary>
/// <param name="Model">The model whose dimensions it had.</param>
/// <param name="Name">The kernel.</param>
/// <param name="Rows">Rows of the step.</param>
/// <param name="Adapters">Adapters in the step; 0 for the base alone.</param>
/// <param name="Rank">Their rank; 0 for mixed ranks or none.</param>
/// <param name="Seconds">The median.</param>
/// <param name="Bytes">The fewest bytes that have to move: every input and output once.</param>
/// <param name="Operations">Multiplications and additions of the formula.</param>
internal sealed record Timing(string Model, string Name, int Rows, int Adapters, int Rank, double Seconds, double Bytes, double Operations)
{
    /// <summary>Prints it, achieved beside possible.</summary>
    public void Print(DeviceCeilings ceilings, bool json)
    {
        double possible = ceilings.Possible(Bytes, Operations);
        Console.WriteLine(json
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"{{\"model\":\"{Model}\",\"kernel\":\"{Name}\",\"rows\":{Rows},\"adapters\":{Adapters},\"rank\":{Rank},"
                + $"\"us\":{Seconds * 1e6:F2},"
                + $"\"gb_s\":{Bytes / Seconds / 1e9:F1},\"gflop_s\":{Operations / Seconds / 1e9:F1},\"possible_us\":{possible * 1e6:F2},"
                + $"\"achieved\":{possible / Seconds:F3}}}")
            : string.Create(
                CultureInfo.InvariantCulture,
                $"  {Model,-5} {Name,-14} {Rows,4} rows {Adapters,3} adapters {(Rank > 0 ? $"r {Rank,3}" : "     ")}  "
                + $"{Seconds * 1e6,10:F2} us  "
                + $"{Bytes / Seconds / 1e9,8:F1} GB/s  {Operations / Seconds / 1e9,9:F1} GFLOP/s  possible {possible * 1e6,9:F2} us  "
                + $"{possible / Seconds,6:P1}"));
    }
}
