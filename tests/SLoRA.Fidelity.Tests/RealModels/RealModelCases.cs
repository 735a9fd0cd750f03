using NUnit.Framework;

namespace SLoRA.Fidelity.Tests.RealModels;

/// <summary>Names the tests: one per folder, file and case.</summary>
internal static class RealModelCases
{
    /// <summary>The cases of all files whose names match.</summary>
    public static IEnumerable<TestCaseData> Of(
        string pattern, Func<ReferenceFile, IEnumerable<string>> cases, Func<ReferenceFile, string, bool>? isLong = null,
        string suffix = "Cpu") =>
        from folder in RealModelFolder.All()
        from file in folder.Files(pattern)
        let reference = folder.Read(file)
        from name in cases(reference)
        select Data(folder, file, name, isLong is not null && isLong(reference, name), suffix);

    private static TestCaseData Data(RealModelFolder folder, string file, string name, bool isLong, string suffix)
    {
        TestCaseData data = new TestCaseData(folder.Path, file, name).SetName($"Fidelity({folder.Path}, {file}, {name}, {suffix})");
        return isLong ? data.SetCategory("LongPrompt") : data;
    }
}
