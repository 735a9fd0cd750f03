using System.Diagnostics;

namespace SLoRA.PublicApi.Tests.Package;

/// <summary>A program that runs to its end.</summary>
internal static class Tool
{
    /// <summary>A restore from an empty cache over a slow line, where many share few cores, takes minutes.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private static readonly string[] GitPlaces =
        ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_CONFIG"];

    /// <summary>Runs the .NET SDK; nothing that it starts outlives it.</summary>
    public static Task<string> DotnetAsync(string folder, params string[] arguments) => RunAsync(
        Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet",
        folder,
        [.. arguments, "-nologo", "-nodeReuse:false", "-p:UseSharedCompilation=false"]);

    /// <summary>Runs a program and fails the test, with all it wrote, unless it ends well.</summary>
    /// <returns>What it wrote to standard output.</returns>
    public static async Task<string> RunAsync(string program, string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // What the SDK that runs these tests, or a git hook, has set for itself would steer what is started here, to another repository
        // even.
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)
            || IsPlaceOfGit(name)).ToArray())
        {
            start.Environment.Remove(name);
        }

        using var patience = new CancellationTokenSource(Patience);
        using Process process = Process.Start(start)!;
        try
        {
            Task<string> error = process.StandardError.ReadToEndAsync(patience.Token);
            string output = await process.StandardOutput.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
            Assert.That(process.ExitCode, Is.Zero, $"{program} {string.Join(' ', arguments)}\n{output}\n{await error}");
            return output;
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    private static bool IsPlaceOfGit(string name) => GitPlaces.Contains(name, StringComparer.Ordinal);
}
