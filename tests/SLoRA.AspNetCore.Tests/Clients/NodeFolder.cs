using System.ComponentModel;
using System.Diagnostics;

namespace SLoRA.AspNetCore.Tests.Clients;

/// <summary>A temporary folder in which npm has put packages, and in which scripts of this project run.</summary>
internal sealed class NodeFolder : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly string _path = Directory.CreateTempSubdirectory("slora-node-").FullName;

    private NodeFolder()
    {
    }

    /// <summary>Installs packages; ends the test as skipped, and says why, where that cannot be.</summary>
    public static async Task<NodeFolder> InstallAsync(params string[] packages)
    {
        var folder = new NodeFolder();
        string problem;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder._path, "package.json"), """{"private": true, "type": "module"}""");
            (int exitCode, _, problem) = await folder.StartAsync(
                "npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", .. packages]);
            if (exitCode == 0)
            {
                return folder;
            }
        }
        catch (Exception error) when (error is Win32Exception or OperationCanceledException)
        {
            problem = error.Message;
        }

        folder.Dispose();
        Assert.Ignore($"npm cannot install {string.Join(", ", packages)} here: {problem.ReplaceLineEndings(" ")}");
        throw new UnreachableException();
    }

    /// <summary>Runs a script that lies beside this class; fails where it does.</summary>
    /// <returns>What it has printed.</returns>
    public async Task<string> RunAsync(string script, params string[] arguments)
    {
        string source = RepositoryFolder.PathOf("tests", "SLoRA.AspNetCore.Tests", "Clients", "Node", script);
        File.Copy(source, Path.Combine(_path, script), overwrite: true);
        (int exitCode, string output, string errors) = await StartAsync("node", [script, .. arguments]);
        Assert.That(exitCode, Is.Zero, $"{output}\n{errors}");
        return output;
    }

    public void Dispose() => Directory.Delete(_path, recursive: true);

    private async Task<(int ExitCode, string Output, string Errors)> StartAsync(string program, string[] arguments)
    {
        using var patience = new CancellationTokenSource(Patience);
        using Process process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = _path,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        try
        {
            Task<string> errors = process.StandardError.ReadToEndAsync(patience.Token);
            string output = await process.StandardOutput.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
            return (process.ExitCode, output, await errors);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
