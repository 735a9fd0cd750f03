using SLoRA.Text.Tests.Templates;
using SLoRA.Text.Tests.Tokenization;

namespace SLoRA.Text.Tests;

/// <summary>
/// Says in one line which real tokenizers and templates are left out, for there are no tests of those that are not on this machine.
/// </summary>
public sealed class RealTokenizersTests
{
    [Test]
    public void Real_tokenizers_are_left_out_unless_SLORA_TOKENIZERS_names_a_folder_with_them()
    {
        string[] absent = [.. TokenizerFixture.All.Except(TokenizerFixture.Present).Select(fixture => fixture.Name)];
        int templates = TemplateFixture.All().Count(fixture => fixture.IsReal && fixture.TokenizerFolder() is null);
        if (absent.Length > 0 || templates > 0)
        {
            Assert.Ignore(
                $"Left out: {templates} conversations of templates, and the cases of the tokenizers {string.Join(", ", absent)}.");
        }
    }
}
