using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using LLama.Native;

namespace SLoRA.Http.Bench.SideBySide;

/// <summary>The command <c>side-by-side</c>: the same program of two tenants with SLoRA and with LLamaSharp.</summary>
internal static class SideBySideCommand
{
    private static readonly string[] Questions =
        ["What is a volcano?", "Where do fish live?", "How do I boil an egg?", "Why is the sky blue?"];

    /// <summary>Makes it.</summary>
    public static Command Create()
    {
        var model = new Option<string>("--model") { Description = "The base: a Hugging Face folder.", Required = true };
        var adapters = new Option<string>("--adapters") { Description = "A folder with a PEFT folder for each tenant.", Required = true };
        var gguf = new Option<string>("--gguf") { Description = "A folder as SideBySide/make_gguf.py makes it.", Required = true };
        var tenants = new Option<string[]>("--tenant")
        {
            Description = "Two of the adapters.",
            Required = true,
            Arity = new ArgumentArity(2, 2),
            AllowMultipleArgumentsPerToken = true,
        };
        var rounds = new Option<int>("--rounds") { Description = "How often both take turns.", DefaultValueFactory = _ => 5 };
        var command = new Command("side-by-side", "The same program of two tenants with SLoRA and with LLamaSharp, in turns.")
        {
            model, adapters, gguf, tenants, rounds,
        };
        command.SetAction(options => RunAsync(
            new Files(
                options.GetValue(model)!, options.GetValue(adapters)!, options.GetValue(gguf)!, options.GetValue(tenants)!),
            options.GetValue(rounds)));
        return command;
    }

    private static async Task<int> RunAsync(Files files, int rounds)
    {
        NativeLibraryConfig.All.WithLogCallback((_, _) => { });
        await using ITwoTenants ours = await WithSLoRA.LoadAsync(files);
        await using ITwoTenants theirs = await WithLLamaSharp.LoadAsync(files);
        (string Name, ITwoTenants Program)[] programs = [("SLoRA", ours), ("LLamaSharp", theirs)];
        foreach ((string name, ITwoTenants program) in programs)
        {
            await ShowAsync(name, program, files.Tenants);
        }

        double[] best = new double[programs.Length];
        for (int round = 0; round < rounds; round++)
        {
            for (int turn = 0; turn < programs.Length; turn++)
            {
                int i = (turn + round) % programs.Length;
                long start = Stopwatch.GetTimestamp();
                int tokens = await programs[i].Program.AskAsync(Questions, (_, _, _) => { });
                best[i] = Math.Max(best[i], tokens / Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        }

        Console.WriteLine($"{files.Tenants.Length * Questions.Length} streams, best of {rounds} rounds in turns");
        for (int i = 0; i < programs.Length; i++)
        {
            string name = programs[i].Name;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{name,-10} {LinesOf($"With{name}.cs"),4} lines of code {best[i],7:F0} tokens/s"));
        }

        return 0;
    }

    // Also warms it up.
    private static async Task ShowAsync(string name, ITwoTenants program, string[] tenants)
    {
        StringBuilder[,] answers = new StringBuilder[tenants.Length, Questions.Length];
        await program.AskAsync(Questions, (tenant, i, text) =>
        {
            // One stream writes one answer.
            ref StringBuilder answer = ref answers[Array.IndexOf(tenants, tenant), i];
            (answer ??= new StringBuilder()).Append(text);
        });
        Console.WriteLine(name);
        for (int tenant = 0; tenant < tenants.Length; tenant++)
        {
            for (int i = 0; i < Questions.Length; i++)
            {
                Console.WriteLine($"  {tenants[tenant]}: {answers[tenant, i]}");
            }
        }
    }

    /// <summary>Lines that say something: no blank lines, comments, usings or lone braces.</summary>
    private static int LinesOf(string file, [CallerFilePath] string here = "") => File
        .ReadLines(Path.Combine(Path.GetDirectoryName(here)!, file))
        .Select(line => line.Trim())
        .Count(line => line.Trim('{', '}').Length > 0 && !line.StartsWith("//", StringComparison.Ordinal)
            && !line.StartsWith("using ", StringComparison.Ordinal) && !line.StartsWith("namespace ", StringComparison.Ordinal));
}
