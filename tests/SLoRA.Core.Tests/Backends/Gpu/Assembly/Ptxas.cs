using System.Diagnostics;
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace SLoRA.Core.Tests.Backends.Gpu.Assembly;

/// <summary>
/// NVIDIA's assembler and disassembler, which need neither a GPU nor a driver: those in <c>SLORA_PTXAS</c>, or where <c>tests/ptxas.sh</c>
/// puts them.
/// </summary>
internal static partial class Ptxas
{
    private static readonly string _folder = Environment.GetEnvironmentVariable("SLORA_PTXAS") is { Length: > 0 } named
        ? named
        : Path.Combine(
            Environment.GetEnvironmentVariable("XDG_CACHE_HOME")
                ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
            "slora-ptxas");

    private static readonly Lazy<string> _version = new(() => Run("ptxas", "--version").Output);

    /// <summary>Whether it is the version that the budgets were written for.</summary>
    public static bool IsThatOfTheBudgets => _version.Value.Contains("release 11.8", StringComparison.Ordinal);

    /// <summary>Skips a test, and says why, where there is no assembler.</summary>
    public static void IgnoreWithout()
    {
        if (!File.Exists(Path.Combine(_folder, "ptxas")) || !File.Exists(Path.Combine(_folder, "nvdisasm")))
        {
            Assert.Ignore($"There is no ptxas in {_folder}: kernels are not assembled. tests/ptxas.sh fetches it.");
        }
    }

    /// <summary>Assembles a text for an architecture, <c>sm_90</c>.</summary>
    /// <param name="text">The text.</param>
    /// <param name="architecture">The architecture.</param>
    /// <param name="listed">Whether the machine code is listed for its loops.</param>
    public static MachineCode Assemble(string text, string architecture, bool listed = true)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("slora-ptxas");
        try
        {
            string source = Path.Combine(folder.FullName, "kernel.ptx");
            string target = Path.Combine(folder.FullName, "kernel.cubin");
            File.WriteAllText(source, text);
            (int code, string output) = Run("ptxas", $"-arch={architecture} -v -o {target} {source}");
            Assert.That(code, Is.Zero, output);
            return new MachineCode(
                Number(Registers(), output), Number(Shared(), output),
                Number(Stack(), output) + Number(SpillStores(), output) + Number(SpillLoads(), output),
                new SassLoops(listed ? Run("nvdisasm", $"-c {target}").Output : ""));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static int Number(Regex pattern, string output) => pattern.Match(output) is { Success: true } match
        ? int.Parse(match.Groups[1].ValueSpan, null)
        : 0;

    private static (int Code, string Output) Run(string tool, string arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(_folder, tool), arguments)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + errors.Result);
    }

    [GeneratedRegex(@"Used (\d+) registers")]
    private static partial Regex Registers();

    [GeneratedRegex(@"(\d+) bytes smem")]
    private static partial Regex Shared();

    [GeneratedRegex(@"(\d+) bytes stack frame")]
    private static partial Regex Stack();

    [GeneratedRegex(@"(\d+) bytes spill stores")]
    private static partial Regex SpillStores();

    [GeneratedRegex(@"(\d+) bytes spill loads")]
    private static partial Regex SpillLoads();
}

/// <summary>What an assembler made of a kernel.</summary>
/// <param name="Registers">Registers of a thread.</param>
/// <param name="SharedBytes">Shared memory of a group.</param>
/// <param name="LocalBytes">Stack and spills of a thread.</param>
/// <param name="Loops">Its loops.</param>
internal sealed record MachineCode(int Registers, int SharedBytes, int LocalBytes, SassLoops Loops);
