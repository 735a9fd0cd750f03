using System.Globalization;

namespace SLoRA.Core.Tests.Backends.Gpu.Assembly;

/// <summary>What a kernel may take, or takes: a line of <c>budget.txt</c>.</summary>
/// <param name="Kernel">Its name.</param>
/// <param name="Registers80">Registers of a thread on sm_80.</param>
/// <param name="Registers90">And on sm_90.</param>
/// <param name="SharedBytes">Shared memory of a group.</param>
/// <param name="LoadBytes">Bytes of its widest load of device memory: no fewer.</param>
/// <param name="Multiplications">FMA or mma of an iteration of the hot loop: no fewer.</param>
/// <param name="Integers">Integer instructions of that iteration.</param>
internal sealed record KernelBudget(
    string Kernel, int Registers80, int Registers90, int SharedBytes, int LoadBytes, int Multiplications, int Integers)
{
    private const string Head = "kernel | registers sm_80 | sm_90 | shared bytes | widest load | multiplications of hot loop | integers";

    private static readonly string _path =
        Path.Combine(RepositoryFolder.Path, "tests/SLoRA.Core.Tests/Backends/Gpu/Assembly/budget.txt");

    /// <summary>Reads the file.</summary>
    public static Dictionary<string, KernelBudget> Read() =>
        File.ReadLines(_path).Where(line => line.Length > 0 && line != Head).Select(Parse).ToDictionary(line => line.Kernel);

    /// <summary>Writes the file.</summary>
    public static void Write(IEnumerable<KernelBudget> lines) =>
        File.WriteAllLines(_path, lines.OrderBy(line => line.Kernel, StringComparer.Ordinal).Select(line => line.ToString()).Prepend(Head));

    /// <summary>What a kernel takes.</summary>
    public static KernelBudget Of(string kernel, MachineCode sm80, MachineCode sm90)
    {
        (int multiplications, int integers, _) = sm90.Loops.Hot();
        return new KernelBudget(
            kernel, sm80.Registers, sm90.Registers, sm90.SharedBytes, sm90.Loops.WidestLoad, multiplications, integers);
    }

    /// <summary>What it takes beyond a budget.</summary>
    public IEnumerable<string> Beyond(KernelBudget budget)
    {
        if (Registers80 > budget.Registers80 || Registers90 > budget.Registers90)
        {
            yield return "more registers";
        }

        if (SharedBytes > budget.SharedBytes)
        {
            yield return "more shared memory";
        }

        if (LoadBytes < budget.LoadBytes)
        {
            yield return "narrower loads";
        }

        // Products, so that another number of unrolled iterations alone is neither better nor worse.
        if ((long)Integers * budget.Multiplications > (long)budget.Integers * Multiplications)
        {
            yield return "more integer instructions for each multiplication";
        }
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Kernel} | {Registers80} | {Registers90} | {SharedBytes} | {LoadBytes} | {Multiplications} | {Integers}");

    private static KernelBudget Parse(string line)
    {
        string[] fields = line.Split(" | ");
        int[] numbers = [.. fields[1..].Select(field => int.Parse(field, CultureInfo.InvariantCulture))];
        return new KernelBudget(fields[0], numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]);
    }
}
