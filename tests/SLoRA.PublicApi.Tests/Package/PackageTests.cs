using System.IO.Compression;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace SLoRA.PublicApi.Tests.Package;

/// <summary>The packages as a stranger gets them: what is in them, and programs that have nothing else.</summary>
[Category("Package")]
[Parallelizable(ParallelScope.All)]
public sealed partial class PackageTests
{
    private PackedPackages _packages = null!;

    [OneTimeSetUp]
    public async Task Pack() => _packages = await PackedPackages.PackAsync();

    [OneTimeTearDown]
    public void Delete() => _packages?.Dispose();

    [TestCaseSource(typeof(PackageInfo), nameof(PackageInfo.Names))]
    public void A_package_has_library_documentation_readme_licence_and_its_dependencies(string name)
    {
        using ZipArchive package = Open(name, "nupkg");
        XElement metadata = XDocument.Parse(Read(package, $"{name}.nuspec")).Root!.Elements().Single();
        XElement Of(string element) => metadata.Elements().Single(candidate => candidate.Name.LocalName == element);

        Assert.Multiple(() =>
        {
            Assert.That(package.GetEntry($"lib/net10.0/{name}.dll"), Is.Not.Null, "library");
            Assert.That(package.GetEntry($"lib/net10.0/{name}.xml"), Is.Not.Null, "documentation");
            Assert.That(package.GetEntry("README.md"), Is.Not.Null, "readme");
            Assert.That(Of("readme").Value, Is.EqualTo("README.md"));
            Assert.That(Of("license").Attribute("type")!.Value, Is.EqualTo("expression"));
            Assert.That(Of("license").Value, Is.EqualTo("MIT"));
            Assert.That(Of("repository").Attribute("url")!.Value, Is.EqualTo(PackedPackages.Origin));
            Assert.That(Of("repository").Attribute("commit")!.Value, Is.EqualTo(_packages.Commit));
            Assert.That(Of("description").Value, Is.Not.Empty);
            Assert.That(Of("releaseNotes").Value.ReplaceLineEndings(),
                Is.EqualTo(File.ReadAllText(Repository.PathOf("docs", "changelog.md")).ReplaceLineEndings().Trim()));
            Assert.That(Of("releaseNotes").Value, Does.Contain($"## {Of("version").Value}"), "notes of this version");
            Assert.That(
                Of("dependencies").Descendants().Where(element => element.Name.LocalName == "dependency")
                    .Select(element => element.Attribute("id")!.Value),
                Is.EquivalentTo(PackageInfo.Of(name).Dependencies));
        });
    }

    [TestCaseSource(typeof(PackageInfo), nameof(PackageInfo.Names))]
    public void The_documentation_is_of_all_that_a_program_can_see_and_of_nothing_else(string name)
    {
        Type known = PackageInfo.Of(name).Known;
        Assembly library = known.Assembly;
        string file = library.GetName().Name + ".xml";
        string[] whole = NamesIn(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, file)));
        using ZipArchive package = Open(library.GetName().Name!, "nupkg");
        string[] packed = NamesIn(Read(package, "lib/net10.0/" + file));

        Assert.Multiple(() =>
        {
            Assert.That(packed.Where(name => DocumentedMember.IsVisible(library, name) == false), Is.Empty, "internal");
            Assert.That(whole.Where(name => DocumentedMember.IsVisible(library, name) == true).Except(packed), Is.Empty, "lost");
            Assert.That(whole, Has.Length.GreaterThan(packed.Length), "the compiler documents what is internal");
            Assert.That(packed, Does.Contain("T:" + known.FullName));
        });
    }

    [TestCaseSource(typeof(PackageInfo), nameof(PackageInfo.Names))]
    public void The_readmes_links_lead_from_the_package_to_the_commit(string name)
    {
        using ZipArchive package = Open(name, "nupkg");
        string readme = Read(package, "README.md");

        Assert.That(Links(readme).Where(link => !link.StartsWith("https://", StringComparison.Ordinal)), Is.Empty);
        Assert.That(readme, Does.Contain($"[architecture]({PackedPackages.Origin}/blob/{_packages.Commit}/docs/architecture.md)"));
    }

    [Test]
    public async Task Without_an_address_of_the_repository_the_readme_links_to_none_of_its_files()
    {
        string readme = await _packages.ReadmeWithoutOriginAsync();

        Assert.That(Links(readme).Where(link => !link.StartsWith("https://", StringComparison.Ordinal)), Is.Empty);
        Assert.That(readme, Does.Contain("| architecture |"));
    }

    [TestCaseSource(typeof(PackageInfo), nameof(PackageInfo.Names))]
    public void The_symbols_lead_to_the_sources_of_the_commit(string name)
    {
        using ZipArchive symbols = Open(name, "snupkg");
        string map = SourceLink.Of(symbols.GetEntry($"lib/net10.0/{name}.pdb")!);
        Assert.That(map, Does.Contain($"/example/slora/{_packages.Commit}/*"));
    }

    [TestCase("linux-x64", "true", "", ExpectedResult = "x86-64-v3")]
    [TestCase("win-x64", "true", "", ExpectedResult = "x86-64-v3")]
    [TestCase("linux-x64", "true", "x86-64-v2", ExpectedResult = "x86-64-v2")]
    [TestCase("linux-x64", "", "", ExpectedResult = "")]
    [TestCase("osx-arm64", "true", "", ExpectedResult = "")]
    public async Task<string> A_program_compiled_ahead_of_time_for_x64_gets_AVX2_unless_it_says_otherwise(
        string runtime, string ahead, string own)
    {
        using ZipArchive package = Open("SLoRA.Core", "nupkg");
        string folder = _packages.NewFolder($"ahead-{runtime}-{ahead}-{own}");
        package.GetEntry("buildTransitive/SLoRA.Core.targets")!.ExtractToFile(Path.Combine(folder, "package.targets"));
        await File.WriteAllTextAsync(
            Path.Combine(folder, "program.proj"),
            $"""
            <Project>
              <PropertyGroup>
                <RuntimeIdentifier>{runtime}</RuntimeIdentifier>
                <PublishAot>{ahead}</PublishAot>
                <IlcInstructionSet>{own}</IlcInstructionSet>
              </PropertyGroup>
              <Import Project="package.targets" />
            </Project>
            """);
        return (await Tool.DotnetAsync(folder, "msbuild", "program.proj", "-getProperty:IlcInstructionSet")).Trim();
    }

    [Test]
    public async Task A_fresh_project_restores_the_packages_and_generates()
    {
        string project = Create("fresh");
        await Tool.DotnetAsync(project, "build", "-c", "Release", "-o", "out");
        string answer = await Tool.RunAsync(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH")
                ?? "dotnet", Repository.Root, "exec", Path.Combine(project, "out", "Fresh.dll"));
        Assert.That(answer.ReplaceLineEndings("\n"), Is.EqualTo(Demo.Answer("bakery") + "\n"));
    }

    [Test]
    [Category("Long")]
    public async Task A_trimmed_program_that_computes_on_the_processor_runs_without_any_GPU_library()
    {
        string project = Create("trimmed");
        await Tool.DotnetAsync(
            project, "publish", "-c", "Release", "-o", "out", "-r", RuntimeInformation.RuntimeIdentifier, "--self-contained",
            "-p:PublishTrimmed=true");
        string output = Path.Combine(project, "out");
        string answer = await Tool.RunAsync(Path.Combine(output, OperatingSystem.IsWindows() ? "Fresh.exe" : "Fresh"), Repository.Root);
        Assert.Multiple(() =>
        {
            Assert.That(answer.ReplaceLineEndings("\n"), Is.EqualTo(Demo.Answer("bakery") + "\n"));
            Assert.That(Directory.GetFiles(output, "ILGPU*"), Is.Empty);
        });
    }

    private static string[] NamesIn(string documentation) =>
        [.. XDocument.Parse(documentation).Descendants("member").Select(member => member.Attribute("name")!.Value)];

    private static IEnumerable<string> Links(string page) => Link().Matches(page).Select(match => match.Groups[1].Value);

    private static string Read(ZipArchive package, string file)
    {
        using var reader = new StreamReader(package.GetEntry(file)!.Open());
        return reader.ReadToEnd();
    }

    private ZipArchive Open(string name, string kind) =>
        ZipFile.OpenRead(Directory.GetFiles(_packages.Packages, $"{name}.*.{kind}").Single());

    /// <summary>A console project outside the repository that knows the packages only: the source of the smallest sample.</summary>
    private string Create(string name)
    {
        string folder = _packages.NewFolder(name);
        string version =
            Path.GetFileNameWithoutExtension(Directory.GetFiles(_packages.Packages, "SLoRA.Core.*.nupkg").Single())["SLoRA.Core.".Length..];
        File.Copy(Repository.PathOf("samples", "Minimal", "Program.cs"), Path.Combine(folder, "Program.cs"));
        File.WriteAllText(Path.Combine(folder, "nuget.config"), $"""
            <configuration>
              <packageSources>
                <add key="packed" value="{_packages.Packages}" />
              </packageSources>
            </configuration>
            """);

        // The packages go into a folder of the test, not into the machine's cache, where they would stay and hide later ones of this
        // version.
        File.WriteAllText(Path.Combine(folder, "Fresh.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <InvariantGlobalization>true</InvariantGlobalization>
                <RestorePackagesPath>{Path.Combine(folder, "packages")}</RestorePackagesPath>
                <RestoreFallbackFolders>{MachineCache()}</RestoreFallbackFolders>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="SLoRA.Core" Version="{version}" />
                <PackageReference Include="SLoRA.Extensions.AI" Version="{version}" />
              </ItemGroup>
            </Project>
            """);
        return folder;
    }

    /// <summary>The packages that this machine has already, so that they need not come again.</summary>
    private static string MachineCache()
    {
        string cache = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        return Directory.Exists(Path.Combine(cache, "slora.core")) || !Directory.Exists(cache) ? "" : cache;
    }

    [GeneratedRegex(@"\]\(([^)]+)\)")]
    private static partial Regex Link();
}
