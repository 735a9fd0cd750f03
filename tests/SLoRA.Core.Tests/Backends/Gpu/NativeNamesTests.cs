using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime.Cuda;
using NUnit.Framework;
using SLoRA.Backends.Gpu;

namespace SLoRA.Core.Tests.Backends.Gpu;

public sealed class NativeNamesTests
{
    // The drivers' own documentation, and what their installers put where the loader looks.
    [TestCase(NativeNames.Cuda, NativeSystem.Linux, "libcuda.so.1")]
    [TestCase(NativeNames.Cuda, NativeSystem.Windows, "nvcuda.dll")]
    [TestCase(NativeNames.OpenCL, NativeSystem.Linux, "libOpenCL.so.1")]
    [TestCase(NativeNames.OpenCL, NativeSystem.Windows, "OpenCL.dll")]
    [TestCase(NativeNames.OpenCL, NativeSystem.MacOS, "/System/Library/Frameworks/OpenCL.framework/OpenCL")]
    [TestCase(NativeNames.CuBlas, NativeSystem.Linux, "libcublas.so.12")]
    [TestCase(NativeNames.CuBlas, NativeSystem.Windows, "cublas64_12.dll")]
    [TestCase(NativeNames.Nccl, NativeSystem.Linux, "libnccl.so.2")]
    public void The_table_has_the_names_that_drivers_are_installed_by(string library, object system, string file)
        => Assert.That(NativeNames.Files(library, (NativeSystem)system), Does.Contain(file));

    [Test]
    public void Every_library_has_files_in_the_form_of_each_system_or_none_at_all()
    {
        foreach (string library in NativeNames.Libraries)
        {
            foreach (NativeSystem system in Enum.GetValues<NativeSystem>())
            {
                ImmutableArray<string> files = NativeNames.Files(library, system);
                bool hasNone = (system == NativeSystem.MacOS && library is not NativeNames.OpenCL)
                    || (system == NativeSystem.Windows && library is NativeNames.Nccl);
                Assert.That(files.IsEmpty, Is.EqualTo(hasNone), $"{library}, {system}");
                foreach (string file in files)
                {
                    Assert.That(file, system switch
                    {
                        NativeSystem.Windows => Does.EndWith(".dll"),
                        NativeSystem.Linux => Does.Match(@"^lib\w+\.so(\.\d+)?$"),
                        _ => Does.StartWith("/System/Library/"),
                    });
                }
            }
        }
    }

    [Test]
    public void Every_driver_that_ILGPU_imports_is_in_the_table_by_whatever_name_it_asks()
    {
        string[] imports =
        [
            .. typeof(Context).Assembly.GetTypes()
                .SelectMany(
                    type => type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                .Select(method => (Type: method.DeclaringType!, method.GetCustomAttribute<DllImportAttribute>()?.Value))
                .Where(import => import.Value is not null && typeof(CudaAPI).Namespace is { } cuda
                    && (import.Type.Namespace == cuda || import.Type.Namespace!.EndsWith("OpenCL", StringComparison.Ordinal)))
                .Select(import => import.Value!)
                .Distinct(),
        ];
        Assert.That(imports, Does.Contain("cuda").And.Contain("nvcuda"));
        Assert.That(imports.Where(import => NativeNames.LibraryOf(import) is null), Is.Empty);
    }

    [Test]
    public void A_missing_driver_is_named_as_the_system_names_it()
    {
        Assert.That(DriverLibraries.Missing(NativeNames.Cuda, NativeSystem.Windows), Is.EqualTo("no nvcuda.dll"));
        Assert.That(DriverLibraries.Missing(NativeNames.Cuda, NativeSystem.MacOS), Is.EqualTo("MacOS has none"));
    }
}
